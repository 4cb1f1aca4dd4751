// SPDX-License-Identifier: MIT
// The side: what can happen now, who waits for what, and every way the test can end.

import { cls, count, el } from "cowpath/dom";
import { visible } from "cowpath/model";

/** The whole side. */
export function panel(view) {
  return [view.live && now(view), blocked(view), outcomes(view), legend(view)];
}

function now(view) {
  const { frame, test, actions } = view;
  const idle = (move) => view.frame.actors[move.actor].statement === null;
  const ordered = [...frame.moves].sort((a, b) => idle(a) - idle(b));
  return el(
    "section",
    { "aria-labelledby": "now" },
    el("h2", { id: "now" }, "Possible now"),
    ordered.length
      ? el("ol", { class: "moves" }, ordered.map((move, number) => moveButton(move, number, test, actions)))
      : el("p", { class: "quiet" }, "Nothing: this path ends here."),
  );
}

function moveButton(move, number, test, actions) {
  const changes = visible(move);
  return el(
    "li",
    {},
    el(
      "button",
      { id: `move-${number}`, class: `move actor-${move.actor % 6}`, onclick: () => actions.take(move.move), "data-move": move.move },
      el("span", { class: "key", "aria-hidden": "true" }, number < 9 ? number + 1 : ""),
      el("span", { class: "who" }, test.actors[move.actor]),
      el("span", { class: "what" }, move.statement && el("code", {}, move.statement), move.function && el("span", { class: "function" }, ` ${move.function}()`)),
      changes.length > 0 && el("small", {}, changes.slice(0, 2).map(([name, before, after]) => el("span", {}, `${name}: ${before} \u2192 ${after}`)), changes.length > 2 && `and ${changes.length - 2} more`),
    ),
  );
}

function blocked({ frame, test }) {
  if (!frame.blocked.length) return null;
  return el(
    "section",
    { "aria-labelledby": "blocked" },
    el("h2", { id: "blocked" }, "Waiting"),
    el("ul", { class: "blocked" }, frame.blocked.map(({ actor, waits }) =>
      el("li", { class: `actor-${actor % 6}` }, el("span", { class: "who" }, test.actors[actor]), ` waits for ${waits}`))),
  );
}

function outcomes(view) {
  const { test, frame } = view;
  const ends = [
    ...test.outcomes.map((one, number) => ({ goal: `outcome-${number}`, text: one.text, bad: one.breakage, here: frame.end === number })),
    ...test.violations.map((one) => ({ goal: one.name, text: one.text, bad: one.title, here: frame.broken.some((text) => text.startsWith(`${one.name}:`)) })),
  ];
  return el(
    "section",
    { "aria-labelledby": "outcomes" },
    el("h2", { id: "outcomes" }, "How it can end"),
    el("ol", { class: "outcomes" }, ends.map((end) => outcomeButton(view, end))),
    absent(test),
    test.verdict === "searching" && el("p", { class: "quiet" }, "The search still goes on: outcomes appear here when it is done."),
    test.verdict === "unfinished" && el("p", { class: "warning" }, "The search stopped at its bound: there may be more outcomes, and these are only what was seen so far."),
    test.verdict !== "searching" && el("p", { class: "quiet" }, `${count(test.states)} states explored. A choice shows ${test.shortest ? "the shortest" : "a"} path.`),
  );
}

/** What is promised but does not happen here: for a lost write, how it should have been. */
function absent({ missing }) {
  if (!missing.count) return null;
  const more = missing.count - missing.few.length;
  return el("div", { class: "absent" },
    el("p", { class: "quiet" }, "promised, but never on this kernel:"),
    missing.few.map((text) => values("p", text)),
    more > 0 && el("p", { class: "quiet" }, `and ${count(more)} more`));
}

function values(tag, text) {
  return el(tag, { class: "values" }, text.split("; ").map((part) => el("code", {}, part.replace(/;$/, ""))));
}

function outcomeButton({ actions, known }, { goal, text, bad, here }) {
  return el(
    "li",
    {},
    el(
      "button",
      { id: goal, class: cls("outcome", bad ? "bad" : "good", here && "here"), onclick: () => actions.jump(goal), disabled: !known(goal), "aria-current": here ? "true" : null },
      el("span", { class: "badge" }, bad || "promised"),
      values("span", text),
    ),
  );
}

function legend({ live, actions, all }) {
  return el(
    "section",
    { class: "help", "aria-label": "Keys" },
    el("label", {}, el("input", { type: "checkbox", id: "all", checked: all, onchange: actions.toggleAll }), " show locks and bookkeeping at rest too"),
    el("p", {}, el("kbd", {}, "\u2190"), " ", el("kbd", {}, "\u2192"), " step  ", el("kbd", {}, "space"), " play  ", el("kbd", {}, "j"), " worst or first outcome  ",
      el("kbd", {}, "d"), " first difference  ", el("kbd", {}, "b"), " bookkeeping  ", live && [el("kbd", {}, "1"), "\u2013", el("kbd", {}, "9"), " take a step"]),
  );
}
