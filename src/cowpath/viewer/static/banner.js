// SPDX-License-Identifier: MIT
// The head of the page: the test, the kernels with their verdicts, and a second kernel to put beside.

import { cls, count, el } from "cowpath/dom";

/** All of it but for what went wrong. */
export function heading(view) {
  const { overview, live, kernel, other, compare } = view;
  if (!overview) return [el("h1", {}, "cowpath")];
  const others = ["", ...overview.kernels.filter((one) => one !== kernel)];
  return [
    el("h1", {}, el("span", { class: "brand" }, view.home ? el("a", { id: "home", class: "home", href: view.home, title: "all tests; change this one" }, "cowpath") : "cowpath"), " ", overview.name),
    live && el("div", { class: "kernels", role: "group", "aria-label": "Kernel" }, overview.kernels.map((one, number) => chip(view, one, number))),
    live && el("label", { class: "beside" }, "beside ", el("select", { id: "with", onchange: (event) => compare(event.target.value) },
      others.map((one) => el("option", { value: one, selected: one === other }, one || "no other kernel")))),
  ];
}

const TONES = { kept: "good", broken: "bad" };

/** One kernel, to be chosen. */
export function chip(view, kernel, number) {
  const found = view.verdicts.get(kernel);
  const here = kernel === view.kernel;
  return el("button", {
    id: `kernel-${number}`, class: cls("chip", TONES[found?.verdict], here && "here"), "aria-pressed": String(here),
    onclick: () => view.choose(kernel),
  }, kernel.replace(" x86_64", ""), el("small", {}, found ? found.words : standing(view, kernel)));
}

/** What stands on a kernel that has no verdict yet. */
function standing({ waiting, large }, kernel) {
  if (waiting?.kernel === kernel) return `${count(waiting.states)} states \u2026`;
  return large ? "not explored yet" : "\u2026";
}
