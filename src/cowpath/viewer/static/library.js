// SPDX-License-Identifier: MIT
// The corpus by theme, with a search, and an editor: change a program, check it on every kernel, walk through it.

import { cls, el, replace } from "cowpath/dom";

const place = Object.fromEntries(["shelf", "desk"].map((id) => [id, document.getElementById(id)]));
const state = { contents: null, of: "", asked: "", words: "", turn: 0 };

async function ask(what, parameters = {}) {
  const response = await fetch(`/api/${what}?${new URLSearchParams(parameters)}`).catch(() => {
    throw new Error("cowpath explore has ended. Start it again with the same --port and reload this page.");
  });
  const found = await response.json();
  if (found.error) throw Object.assign(new Error(found.error), found);
  return found;
}

// -- the shelf ------------------------------------------------------------------------------------

function shelf() {
  const search = el("input", { id: "search", type: "search", placeholder: "search: fork, swap, CVE \u2026", "aria-label": "Search the corpus", value: state.words, oninput: (event) => { state.words = event.target.value; list(); } });
  replace(place.shelf, el("h2", {}, "Corpus"), search, el("div", { id: "themes", role: "list" }));
  list();
}

/** The tests with all of the words that are searched for. */
function list() {
  const wanted = state.words.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (theme, test) => wanted.every((word) => `${theme} ${test.name} ${test.about}`.toLowerCase().includes(word));
  const themes = state.contents.themes
    .map((theme) => ({ ...theme, tests: theme.tests.filter((test) => fits(theme.name, test)) }))
    .filter((theme) => theme.tests.length);
  replace(document.getElementById("themes"), themes.length === 0 && el("p", { class: "quiet" }, "No test has these words."),
    themes.map((theme) => el("details", { open: wanted.length > 0 || theme.tests.some((test) => test.name === state.of) || theme.name === "tutorial" },
      el("summary", {}, el("b", {}, theme.name), ` ${theme.tests.length}`),
      el("ul", {}, theme.tests.map((test) => el("li", {},
        el("button", { id: `test-${test.name}`, class: cls("pick", test.name === state.of && "here"), title: test.about, onclick: () => choose(test.name) }, test.name)))))));
}

async function choose(of) {
  const { text } = await ask("source", { of });
  state.of = of;
  history.replaceState(null, "", `/#${of}`);
  list();
  desk(text);
}

// -- the desk -------------------------------------------------------------------------------------

function desk(text) {
  state.turn++;
  const lines = Math.min(40, Math.max(14, text.split("\n").length + 1));
  replace(place.desk,
    el("h2", {}, "Program"),
    el("textarea", { id: "text", spellcheck: "false", rows: lines, "aria-label": "The program; Ctrl-Enter checks it", oninput: changed }),
    el("div", { class: "controls", role: "toolbar" },
      el("button", { id: "check", class: "call", onclick: check }, "Check"),
      el("button", { id: "walk", class: "call", onclick: walk }, "Walk through it"),
      el("span", { class: "quiet" }, "Ctrl-Enter checks")),
    el("div", { id: "answer", role: "status", "aria-live": "polite" }),
    el("details", { class: "phrases" }, el("summary", {}, "What can be written"),
      el("dl", {}, state.contents.statements.map((one) => [el("dt", {}, el("code", {}, one.usage)), el("dd", {}, one.meaning)]))));
  document.getElementById("text").value = text;
}

/** A program that was changed has no verdict any more. */
function changed() {
  state.turn++;
  replace(document.getElementById("answer"));
}

/** The name of the program on the desk; null, and the page says why, where it is none. */
async function opened() {
  const area = document.getElementById("text");
  try {
    return (await ask("open", { text: area.value })).of;
  } catch (error) {
    replace(document.getElementById("answer"), el("pre", { class: "problem", role: "alert" }, error.message));
    if (error.line) select(area, error.line, error.column);
    return null;
  }
}

function select(area, line, column) {
  const before = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0) + column - 1;
  area.focus();
  area.setSelectionRange(before, before + 1);
}

const TONES = { kept: "good", broken: "bad" };

/** The verdict of each kernel, newest first, as they come. */
async function check() {
  const turn = ++state.turn;
  const of = await opened();
  if (of === null || turn !== state.turn) return;
  const chips = el("div", { class: "kernels" });
  replace(document.getElementById("answer"), chips);
  for (const kernel of state.contents.kernels) {
    const chip = el("button", { class: "chip", onclick: () => go(of, kernel) }, kernel.replace(" x86_64", ""), el("small", {}, "\u2026"));
    chips.append(chip);
    try {
      const found = await ask("verdict", { of, kernel });
      if (turn !== state.turn) return;
      if (TONES[found.verdict]) chip.classList.add(TONES[found.verdict]);
      chip.lastChild.textContent = found.words;
    } catch (error) {
      if (turn !== state.turn) return;
      chip.lastChild.textContent = "cannot run";
      chip.title = error.message;
    }
  }
  chips.dataset.done = "true";
}

async function walk() {
  const of = await opened();
  if (of !== null) go(of);
}

function go(of, kernel = "") {
  location.href = `/walk?${new URLSearchParams({ of })}${kernel && `#kernel=${encodeURIComponent(kernel)}`}`;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); check(); }
  if (event.key === "/" && !event.target.closest("input, textarea")) { event.preventDefault(); document.getElementById("search").focus(); }
});

state.contents = await ask("library");
shelf();
await choose(decodeURIComponent(location.hash.slice(1)) || "lesson-1").catch(() => choose("lesson-1"));
