// SPDX-License-Identifier: MIT
// The path: a mark for each step, the controls, and the story of the step that was taken last.

import { cls, count, el } from "cowpath/dom";
import { visible } from "cowpath/model";

/** The controls and the marks. */
export function timeline(view) {
  const { steps, at, frames, test, actions, playing } = view;
  const button = (id, label, sign, action, off) =>
    el("button", { id, class: "control", "aria-label": label, title: label, onclick: action, disabled: off }, sign);
  const last = frames.length - 1;
  return el(
    "div",
    { class: "timeline" },
    el("div", { class: "controls", role: "toolbar", "aria-label": "Walk along the path" },
      button("first", "to the start (Home)", "|\u25C0", () => actions.go(0), at === 0),
      button("back", "one step back (\u2190)", "\u25C0", () => actions.go(at - 1), at === 0),
      button("play", playing ? "pause (space)" : "play (space)", playing ? "\u275A\u275A pause" : "\u25B6 play", actions.play, last === 0),
      button("forward", "one step on (\u2192)", "\u25B6", actions.forward, at === last && !(view.live && view.frame.moves.length)),
      button("last", "to the end (End)", "\u25B6|", () => actions.go(last), at === last)),
    el("ol", { class: "marks", "aria-label": "Steps of this path" }, steps.map((step, number) => mark(view, step, number, test))),
  );
}

function mark({ at, steps, first, actions }, step, number, test) {
  const begins = number === 0 || steps[number - 1].statement !== step.statement || steps[number - 1].actor !== step.actor;
  const label = `step ${number + 1}: ${test.actors[step.actor]} ${step.statement} ${step.function}`.trim();
  return el(
    "li",
    { class: cls(begins && "begins") },
    el("button", {
      id: `step-${number + 1}`,
      class: cls("mark", `actor-${step.actor % 6}`, number < at && "past", number + 1 === at && "here", number + 1 === first && "first", !visible(step).length && "silent"),
      "aria-label": label, title: label, "aria-current": number + 1 === at ? "step" : null, onclick: () => actions.go(number + 1),
    }, ""),
  );
}

/** What is said while a kernel is explored for the first time. */
export function searching(overview, { kernel, states, more }) {
  return el("div", { class: "story", role: "status" },
    comment(overview),
    el("p", { class: "verdict" }, el("b", {}, `${kernel}: `), ["exploring every interleaving\u2026", states && `${count(states)} states so far`, more].filter(Boolean).join(" ")));
}

/** What has just happened, and why; before the first step, what this test is about. */
export function story(view) {
  const { at, step, frame, test } = view;
  const parts = [at === 0 ? opening(view) : told(view)];
  if (frame.end !== undefined && frame.end !== null && (at === view.frames.length - 1)) parts.push(ending(test.outcomes[frame.end], view));
  for (const text of frame.broken) parts.push(el("p", { class: "verdict bad" }, `An invariant is broken here. ${text}`));
  return el("div", { class: cls("story", step && `actor-${step.actor % 6}`), role: "status", "aria-live": "polite" }, parts);
}

function opening({ overview, test, actions, known, elsewhere, steps }) {
  const bad = Boolean(test.worst);
  return [
    comment(overview),
    el("p", { class: cls("verdict", bad ? "bad" : test.verdict === "kept" && "good") }, el("b", {}, `${test.kernel}: `), test.headline, "."),
    bad && known(test.worst) && el("p", {},
      steps.length === 0
        ? el("button", { id: "worst", class: "call", onclick: () => actions.show(test.worst) }, `Show how: ${test.shortest ? "the shortest" : "a"} path to the ${test.words.split(",")[0]}`)
        : el("button", { id: "walk", class: "call", onclick: actions.play }, "Walk along the path")),
    !bad && elsewhere && el("p", {}, `Not so on ${elsewhere.kernel}: ${elsewhere.words}. `,
      el("button", { id: "elsewhere", class: "call", onclick: () => actions.showOn(elsewhere.kernel) }, "Show how")),
  ];
}

/** What the author says of the test, in paragraphs. */
function comment(overview) {
  return overview.comment.split(/\n\s*\n/).filter(Boolean).map((paragraph) => el("p", { class: "comment" }, paragraph.replace(/\s+/g, " ").trim()));
}

function told({ step, at, steps, test }) {
  const changes = visible(step);
  return [
    el("p", { class: "head" },
      el("span", { class: "count" }, `${at} / ${steps.length}`),
      el("span", { class: "who" }, test.actors[step.actor]),
      step.statement && el("code", { class: "statement" }, step.statement),
      step.function && el("span", { class: "function" }, `${step.function}()`),
      step.file && el("span", { class: "file", title: step.line }, step.file)),
    step.notes.map((note) => el("p", { class: "why" }, note)),
    changes.length > 0
      ? el("ul", { class: "changes" }, changes.map(([name, before, after]) =>
          el("li", {}, el("span", { class: "name" }, name), " ", el("del", {}, before), " \u2192 ", el("b", {}, after))))
      : el("p", { class: "quiet" }, "Only locks and bookkeeping changed."),
    step.reach && el("p", { class: "reach" }, `Now ${step.reach}.`),
  ];
}

/** How it ended, and every decision that led there. */
function ending(outcome, { steps, test, actions }) {
  const bad = Boolean(outcome.breakage);
  const decisions = steps.flatMap((step, number) => [...step.notes, ...(step.reach ? [step.reach] : [])].map((note, order) =>
    el("li", {}, el("button", { id: `decision-${number + 1}-${order}`, onclick: () => actions.go(number + 1) }, `step ${number + 1}`), " ",
      el("code", {}, step.statement || test.actors[step.actor]), " ", note)));
  return el("div", { class: cls("verdict", bad ? "bad" : "good") },
    el("p", {}, el("b", {}, bad ? `${outcome.breakage[0].toUpperCase()}${outcome.breakage.slice(1)}. ` : "As promised. "), bad ? "" : outcome.text),
    outcome.why.map((text) => el("p", {}, text, text.endsWith(".") ? "" : ".")),
    bad && decisions.length > 0 && [el("p", { class: "cause" }, "How it came about:"), el("ol", { class: "decisions" }, decisions)]);
}
