// SPDX-License-Identifier: MIT
// The table of a page that holds more than one result: tests down, kernels across.

import { cls, el } from "cowpath/dom";

/** The table; `choose(test, kernel)` shows a result. */
export function table(data, shown, choose) {
  const kernels = [...new Set(data.tests.flatMap((test) => test.runs.map((run) => run.kernel)))];
  const head = el("tr", {}, el("td", {}), kernels.map((kernel) => el("th", { scope: "col" }, kernel)));
  const rows = data.tests.map((test, number) =>
    el("tr", {}, el("th", { scope: "row" }, test.overview.name), kernels.map((kernel) => cell(test, number, kernel, shown, choose))));
  const failures = (data.failures ?? []).map((text) => el("li", {}, text));
  return [el("table", {}, el("thead", {}, head), el("tbody", {}, rows)), failures.length > 0 && el("ul", { class: "failures" }, failures)];
}

function cell(test, number, kernel, shown, choose) {
  const run = test.runs.find((one) => one.kernel === kernel);
  if (!run) return el("td", {});
  const here = shown.number === number && shown.kernel === kernel;
  return el("td", {}, el("button", {
    id: `result-${number}-${kernel.replaceAll(" ", "-")}`,
    class: cls("cell", run.verdict === "kept" ? "good" : "bad", here && "here"),
    "aria-current": here ? "true" : null,
    onclick: () => choose(number, kernel),
  }, run.words));
}
