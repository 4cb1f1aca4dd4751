// SPDX-License-Identifier: MIT
// What is looked at, and how it changes.  The address names all of it, so that a link shows the same.

import { draw } from "cowpath/arrows";
import { chip, heading } from "cowpath/banner";
import { beside, difference } from "cowpath/beside";
import { cls, el, replace } from "cowpath/dom";
import { listen } from "cowpath/keys";
import { Model } from "cowpath/model";
import { panel } from "cowpath/panel";
import { picture } from "cowpath/picture";
import { listing, program } from "cowpath/program";
import { source } from "cowpath/source";
import { table } from "cowpath/tests";
import { searching, story, timeline } from "cowpath/timeline";

const from = await source();
const place = Object.fromEntries(["top", "index", "program", "stage", "side"].map((id) => [id, document.getElementById(id)]));
const main = document.querySelector("main");
const models = new Map();
const pending = new Map();
const sketches = new Map();
const verdicts = new Map();
const state = { overview: null, kernel: "", other: "", path: "", at: 0, all: false, playing: 0, walk: null, problem: "", waiting: null, sketch: "" };
let drawn = [];
let turns = 0;

// -- the address ----------------------------------------------------------------------------------

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const at = asked.get("at");
  return { number: Number(asked.get("test") ?? 0), kernel: asked.get("kernel") ?? "", other: asked.get("with") ?? "", path: asked.get("path") ?? "", at: at === null ? Infinity : Number(at) || 0 };
}

function address() {
  const parts = new URLSearchParams();
  if (!from.live && from.number) parts.set("test", from.number);
  parts.set("kernel", state.kernel);
  if (state.other) parts.set("with", state.other);
  if (state.path) parts.set("path", state.path);
  if (state.at !== state.walk.frames.length - 1) parts.set("at", state.at);
  return `#${parts}`;
}

// -- loading --------------------------------------------------------------------------------------

const keyOf = (kernel) => `${from.number ?? 0} ${kernel}`;

/** The model of a kernel; whoever asks while it is searched waits for the same search. */
function modelOf(kernel) {
  const key = keyOf(kernel);
  if (models.has(key)) return Promise.resolve(models.get(key));
  if (!pending.has(key)) pending.set(key, searched(kernel, key).finally(() => pending.delete(key)));
  return pending.get(key);
}

async function searched(kernel, key) {
  const waiting = { kernel, states: 0, more: "" };
  const told = (found) => { if (state.waiting === waiting) { Object.assign(waiting, found); wait(); } };
  state.waiting = waiting;
  wait();
  try {
    const test = await from.test(kernel, told);
    models.set(key, new Model(test));
    verdicts.set(kernel, { kernel, verdict: test.verdict, words: test.words });
  } finally {
    if (state.waiting === waiting) state.waiting = null;
  }
  return models.get(key);
}

/** Say that a search is going on, and how far it is. */
function wait() {
  if (state.walk) return rechip(state.waiting.kernel);
  replace(place.program, listing(state.overview));
  replace(place.stage, searching(state.overview, state.waiting));
}

/** Show a path on a kernel (beside another one); `at` beyond the end is the end. */
async function show({ kernel = state.kernel, other = state.other, path = state.path, at = Infinity }) {
  const turn = ++turns;
  try {
    const offered = state.overview.kernels;
    kernel = offered.includes(kernel) ? kernel : offered[0];
    other = from.live && offered.includes(other) && other !== kernel ? other : "";
    const model = await modelOrSketch(turn, { kernel, path, at });
    if (turn !== turns) return;
    if (state.sketch === kernel) at = state.at;
    const second = other ? await modelOf(other) : null;
    if (!from.live && !path) path = from.run(kernel).paths[0].path;
    const walk = await from.follow(kernel, path, other);
    if (turn !== turns) return; // something else was asked for meanwhile
    Object.assign(state, { kernel, other, model, second, walk, path: walk.path, problem: walk.problem, sketch: "" });
    state.at = Math.max(0, Math.min(at, walk.frames.length - 1));
    remember();
  } catch (error) {
    if (turn !== turns) return;
    stop();
    state.problem = error.message;
  }
  render();
}

const SOON = 400; // milliseconds within which most searches are done

/** The model of a kernel; while the search takes its time, the path is shown on a sketch of it. */
async function modelOrSketch(turn, { kernel, path, at }) {
  const found = modelOf(kernel);
  if (!from.live || models.has(keyOf(kernel))) return found;
  const soon = new Promise((resolve) => setTimeout(resolve, sketches.has(kernel) ? 0 : SOON));
  await Promise.race([found.catch(() => null), soon]);
  if (!models.has(keyOf(kernel)) && pending.has(keyOf(kernel)) && turn === turns) await sketch(turn, { kernel, path, at });
  return found;
}

/** Show a path on a kernel that is still being searched. */
async function sketch(turn, { kernel, path, at }) {
  if (!sketches.has(kernel)) sketches.set(kernel, new Model(await from.sketch(kernel)));
  const walk = await from.walk(kernel, path);
  if (turn !== turns || models.has(keyOf(kernel))) return;
  Object.assign(state, { kernel, model: sketches.get(kernel), second: null, walk, path: walk.path, problem: walk.problem, sketch: kernel });
  state.at = Math.max(0, Math.min(at, walk.frames.length - 1));
  remember();
  render();
}

function remember() {
  const next = address();
  if (next !== location.hash) history.pushState(null, "", next);
}

// -- what one can do ------------------------------------------------------------------------------

const actions = {
  go(at) {
    state.at = Math.max(0, Math.min(at, state.walk.frames.length - 1));
    history.replaceState(null, "", address());
    render();
  },
  back: () => { stop(); actions.go(state.at - 1); },
  forward() {
    stop();
    if (state.at < state.walk.frames.length - 1) actions.go(state.at + 1);
    else actions.press("move-0");
  },
  home: () => actions.go(0),
  end: () => actions.go(Infinity),
  take(move) {
    const taken = state.walk.steps.slice(0, state.at).map((_, number) => moveAt(number));
    return show({ path: [...taken, move].join("-") });
  },
  async jump(goal, at = Infinity) {
    stop();
    const path = await looking(goal);
    if (path !== null) await show({ path, at });
  },
  async show(goal) {
    await actions.jump(goal, 0);
    if (state.walk.steps.length) actions.play();
  },
  async showOn(kernel) {
    await show({ kernel, path: "" });
    await actions.show(state.model.test.worst);
  },
  worst() {
    const goal = state.model.test.worst ?? (state.model.test.outcomes.length ? "outcome-0" : null);
    if (goal && known(goal)) actions.jump(goal);
  },
  toFirst: () => Number.isInteger(state.walk.other?.first) && actions.go(state.walk.other.first),
  press: (id) => document.getElementById(id)?.click(),
  toggleAll() { state.all = !state.all; render(); },
  play() {
    if (state.playing) { stop(); return render(); }
    if (state.at === state.walk.frames.length - 1) state.at = 0;
    state.playing = setInterval(advance, 1600);
    return advance();
  },
};

/** The path to a goal; null where there is none, and the page says so.  In a large search it takes seconds. */
async function looking(goal) {
  const patience = setTimeout(() => main.setAttribute("aria-busy", "true"), 200);
  try {
    return await from.jump(state.kernel, goal);
  } catch (error) {
    state.problem = error.message;
    render();
    return null;
  } finally {
    clearTimeout(patience);
    main.removeAttribute("aria-busy");
  }
}

function advance() {
  if (state.at >= state.walk.frames.length - 2) stop();
  actions.go(state.at + 1);
}

function stop() {
  clearInterval(state.playing);
  state.playing = 0;
}

/** The move that was taken at a place of the path: one word of it, repetitions counted. */
function moveAt(number) {
  let passed = 0;
  for (const word of state.path.split("-")) {
    const [move, times] = word.split("x");
    passed += Number(times ?? 1);
    if (number < passed) return move;
  }
  return "";
}

const known = (goal) => from.live || from.run(state.kernel).paths.some((path) => path.goal === goal);

// -- drawing --------------------------------------------------------------------------------------

/** Everything a part of the page needs to draw one frame of one kernel. */
function viewOf(model, walk, at, differs) {
  const view = {
    overview: state.overview, model, test: model.test, frames: walk.frames, steps: walk.steps, at,
    frame: walk.frames[at], before: walk.frames[Math.max(0, at - 1)], start: walk.frames[0], step: at > 0 ? walk.steps[at - 1] : null,
    differs: new Set(differs), all: state.all, live: from.live, playing: state.playing, first: state.walk.other?.first ?? null,
    known, actions, elsewhere: [...verdicts.values()].find((one) => one.verdict === "broken"),
  };
  const end = at === walk.frames.length - 1 ? view.test.outcomes[view.frame.end] : null;
  view.wrong = new Set(end?.wrong ?? []);
  view.started = (actor) => walk.frames.slice(0, at).some((_, number) => walk.steps[number].actor === actor) || walk.frames[at].moves?.some((move) => move.actor === actor);
  return view;
}

function views() {
  const { walk, model, second, at } = state;
  if (!second || !walk.other) return [viewOf(model, walk, at, [])];
  const differs = walk.other.differs[at];
  const beside = viewOf(second, walk.other, walk.other.at[at], differs);
  const earlier = at > 0 ? walk.other.at[at - 1] : 0;
  if (walk.other.at[at] === earlier) beside.step = null;
  else beside.step = merged(walk.other.steps.slice(earlier, walk.other.at[at]));
  return [viewOf(model, walk, at, differs), beside];
}

/** Several steps as one: the last one's place, everything they changed. */
function merged(steps) {
  return { ...steps.at(-1), changes: steps.flatMap((step) => step.changes), notes: steps.flatMap((step) => step.notes) };
}

function render() {
  const sides = state.walk ? views() : [];
  replace(place.top, banner());
  if (!sides.length) return;
  const drawings = sides.map((view) => picture(view));
  replace(place.program, program(sides[0]));
  replace(place.stage, timeline(sides[0]), story(sides[0]), sides.length > 1 && difference(sides, state),
    el("div", { class: cls("machines", sides.length > 1 && "two") }, drawings.map((drawing, number) =>
      el("div", { class: "machine" }, sides.length > 1 && [el("h2", {}, sides[number].test.kernel), beside(sides[number])], drawing.picture))));
  main.classList.toggle("two", sides.length > 1);
  replace(place.side, panel(sides[0]));
  drawn = drawings;
  drawAll();
  document.querySelector(".mark.here")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function drawAll() {
  drawn.forEach(draw);
}

function banner() {
  return [...heading(bannerView()), state.problem && el("p", { class: "problem", role: "alert" }, state.problem)];
}

/** What the head of the page needs to know. */
function bannerView() {
  const { overview, kernel, other, waiting, model } = state;
  return {
    overview, kernel, other, waiting, verdicts, live: from.live, home: from.of ? `/#${encodeURIComponent(from.of)}` : "", large: model?.test.states > PATIENCE,
    choose: (one) => { stop(); show({ kernel: one, path: "" }); },
    compare: (one) => show({ other: one, at: state.at }),
  };
}

/** Only one kernel's chip is drawn again: nothing may move from under a pointer. */
function rechip(kernel) {
  const number = state.overview.kernels.indexOf(kernel);
  document.getElementById(`kernel-${number}`)?.replaceWith(chip(bannerView(), kernel, number));
}

// -- the start ------------------------------------------------------------------------------------

async function begin() {
  const asked = readAddress();
  if (!from.live) from.select(from.data.tests[asked.number] && location.hash ? asked.number : from.worst());
  state.overview = await from.overview();
  document.title = `${state.overview.name} \u2013 cowpath`;
  render();
  if (!from.live && (from.data.tests.length > 1 || from.data.tests[0].runs.length > 1)) drawTable();
  await show({ ...asked, kernel: asked.kernel || from.worstKernel?.(), at: asked.path ? asked.at : 0 });
  drawTable();
  if (from.live) await judgeAll();
}

function drawTable() {
  if (from.live || (from.data.tests.length < 2 && from.data.tests[0].runs.length < 2)) return;
  place.index.hidden = false;
  replace(place.index, table(from.data, { number: from.number, kernel: state.kernel }, async (number, kernel) => {
    from.select(number);
    state.overview = await from.overview();
    stop();
    await show({ kernel, path: "", at: 0 });
    drawTable();
  }));
}

const PATIENCE = 200_000; // states beyond which other kernels wait until they are asked for

/** The verdict of each kernel, one after the other, while the reader reads. */
async function judgeAll() {
  if (state.model?.test.states > PATIENCE) return;
  for (const kernel of state.overview.kernels) {
    try {
      verdicts.set(kernel, await from.verdict(kernel));
    } catch (error) {
      verdicts.set(kernel, { verdict: "error", words: "cannot run", kernel, title: error.message });
    }
    judged(kernel);
  }
}

/** What a verdict changes. */
function judged(kernel) {
  rechip(kernel);
  const told = document.querySelector(".story");
  if (told && state.at === 0 && state.model.test.verdict === "kept" && !document.getElementById("elsewhere")) told.replaceWith(story(views()[0]));
}

listen(actions);
addEventListener("resize", drawAll);
addEventListener("popstate", () => { const asked = readAddress(); show({ ...asked, at: asked.at }); });
begin().catch((error) => { state.problem = error.message; render(); });
document.fonts?.ready.then(drawAll);
