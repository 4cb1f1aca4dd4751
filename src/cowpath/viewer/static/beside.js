// SPDX-License-Identifier: MIT
// Two kernels beside each other: what the second one did, and where the two go apart.

import { el } from "cowpath/dom";

/** What one of two kernels did in this step, and why. */
export function beside(view) {
  if (!view.step) return el("p", { class: "quiet" }, view.at ? "no step here: this kernel is there already" : "at the start");
  return el("p", { class: "quiet" }, view.step.function ? `${view.step.function}(): ` : "", view.step.notes.join("; ") || "no decision here");
}

/** What the two kernels differ in, and where that began. */
export function difference(sides, { walk, other, at }) {
  const { first, differs } = walk.other;
  if (first === null) return el("p", { class: "difference" }, "No difference on this path so far.");
  const names = differs[first].filter((name) => !differs[0].includes(name));
  const value = (side, name, number) => el("span", { class: "one" }, valueAt(sides[side], name, number));
  const told = names.slice(0, 1).map((name) => [el("b", {}, name), ": ", value(0, name, first), " here, ", value(1, name, walk.other.at[first]), ` on ${other}`]);
  return el("p", { class: "difference" }, `First difference, step ${first}: `, told, " ",
    at !== first && el("button", { id: "to-first", onclick: sides[0].actions.toFirst }, "go there"));
}

/** A value by its name in one frame: a record's own words, or one of its fields. */
function valueAt(view, name, number) {
  const frame = view.frames[number];
  if (frame.words[name] !== undefined) return frame.words[name];
  for (const record of view.model.records) {
    for (const field of record.fields) {
      for (let offset = 0; offset < (field.length ?? 1); offset++) {
        const called = field.type !== "contents" ? `${record.name}.${field.name}` : record.name.includes(":") ? record.name : `${record.name}[${offset}]`;
        if (called === name) return view.model.text(field, frame.cells[field.at + offset]);
      }
    }
  }
  return "";
}
