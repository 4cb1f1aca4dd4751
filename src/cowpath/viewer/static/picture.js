// SPDX-License-Identifier: MIT
// The machine: a card for each record, in columns, an arrow for each pointer, marks for what has just changed.

import { cls, el, svg } from "cowpath/dom";
import { changesOf } from "cowpath/model";

/** The picture of one frame; `arrows` are what arrows.js draws once the cards have their places. */
export function picture(view) {
  const context = { ...view, changed: changesOf(view.step), arrows: [], used: view.model.used(view.frames) };
  const shown = view.model.records.filter((record) => !record.name.includes(":") && hasSomething(context, record));
  const ever = shown.filter((record) => everUsed(context, record));
  const ghosts = shown.filter((record) => !ever.includes(record));
  const columns = [...new Set(shown.map((record) => record.kind.column))].sort();
  const table = el(
    "div",
    { class: "columns", role: "group", "aria-label": `The machine on ${view.test.kernel}` },
    columns.map((column) => columnOf(context, ever.filter((record) => record.kind.column === column))),
  );
  const layer = svg("svg", { class: "arrows", "aria-hidden": "true" });
  const free = ghosts.filter((record) => !record.name.includes("."));
  const picture = el("div", { class: "picture" }, layer, table, free.length > 0 && ghostLine(free));
  return { picture, layer, arrows: context.arrows };
}

/** Records whose fields are all quiet are bookkeeping. */
function hasSomething({ all }, record) {
  return all || record.fields.some((field) => !field.quiet);
}

function everUsed({ model, frames, all }, record) {
  return all || frames.some((frame) => !model.blank(record, frame.cells));
}

function ghostLine(ghosts) {
  return el("p", { class: "ghosts" }, "not in use: ", ghosts.map((record) => record.name).join(", "));
}

function columnOf(context, records) {
  const kinds = [...new Set(records.map((record) => record.kind))].filter((kind) => kind.fields.some((f) => f.type === "pointer"));
  const legend = kinds.map((kind) => el("span", { class: "kind" }, el("b", {}, kind.name), ` ${brief(kind.doc)}`));
  const groups = new Map();
  for (const record of records) {
    const prefix = record.name.includes(".") ? record.name.split(".")[0] : "";
    const key = prefix || record.name;
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  const cards = [...groups].map(([name, members]) =>
    members.some((record) => record.name.includes(".")) ? group(context, name, members) : card(context, members[0]));
  return el("div", { class: "column" }, el("p", { class: "legend" }, legend), el("div", { class: "cards" }, cards));
}

/** The first sentence of a description, without the name of the structure. */
function brief(doc) {
  const sentence = doc.split(/\.(\s|$)/)[0];
  return sentence.includes(":") ? sentence.slice(sentence.indexOf(":") + 1).trim() : sentence;
}

/** Records with a common first name: an address space with its entries, a large folio with its pages; P0.x.vma belongs to P0.x. */
function group(context, name, members) {
  const empty = members.every((record) => context.model.blank(record, context.frame.cells));
  const within = (record, other) => other.name.includes(".") && record.name.startsWith(`${other.name}.`);
  const inner = (record) => members.filter((other) => within(other, record));
  const outer = members.filter((record) => !members.some((other) => within(record, other)));
  const flat = outer.filter((record) => !record.fields.some((field) => field.type === "pointer" || field.type === "contents"));
  const rows = outer.filter((record) => !flat.includes(record));
  return el(
    "section",
    { class: cls("card group", empty && "empty"), "aria-label": name },
    el("h4", {}, el("span", { class: "name" }, name), flat.map((record) => el("span", { class: "flat", title: record.kind.doc }, pills(context, record)))),
    empty ? el("p", { class: "nothing" }, absence(context, name)) : rows.map((record) => row(context, record, inner(record))),
  );
}

/** Why nothing is to be seen of a process: there is none yet, or no more, or it has nothing here. */
function absence({ model, frames, at }, name) {
  if (model.inUse(name, frames[at].cells)) return "nothing is mapped";
  return frames.slice(0, at).some((frame) => model.inUse(name, frame.cells)) ? "is gone" : "does not exist yet";
}

function row(context, record, inner) {
  const place = el(
    "div",
    { class: cls("row", context.changed.has(record.name) && "changed", context.differs.has(record.name) && "differs"), title: record.kind.doc },
    el("span", { class: "name" }, record.name.split(".").slice(1).join(".") || record.name),
    record.name.includes(".") && contents(context, record),
    described(context, record) ?? el("span", { class: "pills" }, pills(context, record)),
    inner.map((part) => el("span", { class: "nested", title: part.kind.doc }, pills(context, part))),
  );
  connect(context, record, place);
  return place;
}

/** What a record says of itself, what it said before, and its raw value where there is one. */
function described(context, record) {
  const words = context.frame.words[record.name];
  if (words === undefined) return null;
  const change = context.changed.get(record.name);
  const raw = context.frame.raw?.[record.name];
  return el(
    "span",
    { class: "words" },
    change && change[0] !== change[1] && el("del", {}, change[0]),
    el("b", {}, words),
    raw && el("code", { class: "raw", title: "as it stands in the page table" }, raw),
  );
}

function card(context, record) {
  const { model, frame, changed, differs } = context;
  const empty = model.blank(record, frame.cells, context.all);
  const touched = [...changed.keys()].some((name) => belongs(name, record.name));
  const place = el(
    "section",
    { class: cls("card", empty && "empty", touched && "touched"), "aria-label": record.name },
    el("h4", { title: record.kind.doc }, el("span", { class: "name" }, record.name)),
    described(context, record),
    empty && !touched ? el("p", { class: "nothing" }, "not in use") : [contents(context, record), el("p", { class: "pills" }, pills(context, record))],
  );
  if ([...differs].some((name) => belongs(name, record.name))) place.classList.add("differs");
  connect(context, record, place);
  return place;
}

/** Whether what changed is this record or a part of it. */
function belongs(name, record) {
  return name === record || name.startsWith(`${record}.`) || name.startsWith(`${record}[`);
}

function contents(context, record) {
  const field = record.fields.find((one) => one.type === "contents");
  if (!field) return null;
  const cells = Array.from({ length: field.length }, (_, place) => {
    const name = `${record.name}[${place}]`;
    const value = context.model.values[context.frame.cells[field.at + place]];
    const change = context.changed.get(name);
    return el(
      "span",
      { class: cls("byte", change && "changed", context.differs.has(name) && "differs"), title: name },
      change && el("del", {}, change[0]),
      value,
    );
  });
  return el("div", { class: "bytes", "aria-label": `content of ${record.name}` }, cells);
}

/** One pill per field that says something: counts in use, flags that are set, choices, pointers, what changed. */
function pills(context, record) {
  return record.fields.map((field) => pill(context, record, field)).filter(Boolean);
}

function pill(context, record, field) {
  const { model, frame, changed, start, all, used, differs } = context;
  if (field.type === "contents") return null;
  const name = `${record.name}.${field.name}`;
  const change = changed.get(name);
  const code = frame.cells[field.at];
  if (!change && !code && !(used.has(`${record.kind.name}.${field.name}`) && field.type === "count")) return null;
  if (field.quiet && !all && (code === start.cells[field.at] || !code)) return null;
  const shown = field.type === "flag" ? "" : ` ${model.text(field, code)}`;
  return el(
    "span",
    {
      class: cls("pill", field.quiet && "quiet", change && "changed", !code && "zero", differs.has(name) && "differs"),
      title: field.meaning,
    },
    field.type === "flag" && change && !code ? el("del", {}, field.name) : field.name,
    change && field.type !== "flag" && [" ", el("del", {}, change[0])],
    shown && el("b", {}, shown),
  );
}

/** Remember the arrows that begin at a record, and where those that lead to it end. */
function connect(context, record, place) {
  place.dataset.record = record.name;
  for (const field of record.fields) {
    if (field.type !== "pointer" || (field.quiet && !context.all)) continue;
    const target = context.model.target(field, context.frame.cells);
    const changed = context.changed.has(record.name) && context.frame.words[record.name] !== undefined;
    if (target) {
      context.arrows.push({
        from: record.name, to: target, label: field.name,
        changed: changed || context.changed.has(`${record.name}.${field.name}`),
      });
    }
  }
}
