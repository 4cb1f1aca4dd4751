// SPDX-License-Identifier: MIT
// The program, with each actor's place in it, its registers, and everything else that acts.

import { cls, el } from "cowpath/dom";
import { changesOf } from "cowpath/model";

/** The threads, one beside the other or one below the other. */
export function program(view) {
  const { overview, model, frame, step } = view;
  const threads = overview.threads.map((thread, actor) => threadBox(view, thread, actor));
  const others = model.test.actors
    .map((name, actor) => ({ name, actor, stand: frame.actors[actor] }))
    .filter(({ actor, stand }) => actor >= overview.threads.length && (!stand.idle || step?.actor === actor));
  return [
    el("h2", {}, "Program"),
    ...threads,
    others.length > 0 && el("ul", { class: "others", "aria-label": "Also at work" }, others.map((one) => other(view, one))),
  ];
}

/** The threads before anybody has moved, while a search is still going on. */
export function listing(overview) {
  return [el("h2", {}, "Program"), ...overview.threads.map((thread, actor) =>
    el("div", { class: `thread actor-${actor % 6}` }, el("h3", {}, el("span", { class: "who" }, thread.name)),
      el("ol", { class: "code" }, thread.statements.map((text) => el("li", {}, el("code", {}, text))))))];
}

function threadBox(view, thread, actor) {
  const stand = view.frame.actors[actor];
  const here = stand.finished ? thread.statements.length : stand.statement ?? 0;
  const lines = thread.statements.map((text, number) => statement(view, { text, number, here, actor, stand }));
  const state = stand.finished ? "done" : thread.forked && !view.started(actor) ? "not forked yet" : "";
  return el(
    "div",
    { class: cls("thread", `actor-${actor % 6}`, view.step?.actor === actor && "acting") },
    el("h3", {}, el("span", { class: "who" }, thread.name), state && el("small", {}, state)),
    el("ol", { class: "code" }, lines),
    registers(view, actor),
  );
}

function statement(view, { text, number, here, actor, stand }) {
  const acted = view.step?.actor === actor && view.before.actors[actor].statement === number;
  const current = number === here;
  return el(
    "li",
    {
      class: cls(number < here && "past", current && "current", acted && "acted"),
      "aria-current": current ? "step" : null,
    },
    el("code", {}, text),
    current && stand.inside && el("span", { class: "inside" }, `in ${stand.inside}`),
  );
}

/** Registers are records called THREAD:NAME, as in conditions. */
function registers(view, actor) {
  const { model, frame, step } = view;
  const changed = changesOf(step);
  const mine = model.records.filter((record) => record.name.startsWith(`${actor}:`));
  if (!mine.length) return null;
  const entries = mine.map((record) => {
    const value = model.text(record.fields[0], frame.cells[record.fields[0].at]);
    const name = record.name.slice(record.name.indexOf(":") + 1);
    return el(
      "span",
      { class: cls("register", changed.has(record.name) && "changed", view.wrong.has(record.name) && "wrong", view.differs.has(record.name) && "differs") },
      el("span", { class: "label" }, name),
      el("b", {}, value === "-" ? "\u00b7" : value),
    );
  });
  return el("p", { class: "registers", "aria-label": "Registers" }, entries);
}

function other(view, { name, actor, stand }) {
  return el(
    "li",
    { class: cls(`actor-${actor % 6}`, view.step?.actor === actor && "acting") },
    el("span", { class: "who" }, name),
    stand.inside ? ` in ${stand.inside}` : "",
  );
}
