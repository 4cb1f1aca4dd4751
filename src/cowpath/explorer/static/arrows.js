// SPDX-License-Identifier: MIT
// An arrow for each pointer, drawn over the cards once they have their places.

import { cls, svg } from "cowpath/dom";

/** Draw (again, after anything moved) the arrows of one picture. */
export function draw({ picture, layer, arrows }) {
  const frame = picture.getBoundingClientRect();
  if (!frame.width) return;
  layer.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
  layer.setAttribute("width", frame.width);
  layer.setAttribute("height", frame.height);
  const box = (name) => {
    const node = picture.querySelector(`[data-record="${CSS.escape(name)}"]`);
    if (!node) return null;
    const rect = node.getBoundingClientRect();
    return { left: rect.left - frame.left, right: rect.right - frame.left, top: rect.top - frame.top, bottom: rect.bottom - frame.top };
  };
  const arriving = new Map();
  const lines = pairs(arrows).map((arrow) => line(arrow, box(arrow.from), box(arrow.to), arriving));
  layer.replaceChildren(...lines.filter(Boolean));
}

/** Two records that point at each other get one arrow with two heads. */
function pairs(arrows) {
  const found = [];
  for (const arrow of arrows) {
    const back = found.find((other) => other.from === arrow.to && other.to === arrow.from);
    if (back) Object.assign(back, { both: true, changed: back.changed || arrow.changed });
    else found.push({ ...arrow });
  }
  return found;
}

function line(arrow, from, to, arriving) {
  if (!from || !to) return null;
  const count = arriving.get(arrow.to) ?? 0;
  arriving.set(arrow.to, count + 1);
  const { path, head, tail } = to.left >= from.right ? sideways(from, to, count) : to.right <= from.left ? backwards(from, to, count) : downwards(from, to, count);
  return svg(
    "g",
    { class: cls("arrow", arrow.changed && "changed") },
    svg("path", { d: path }),
    svg("path", { class: "head", d: tip(...head) }),
    arrow.both && svg("path", { class: "head", d: tip(...tail) }),
  );
}

const HEAD = 7;

function sideways(from, to, count) {
  const [x1, y1] = [from.right, (from.top + from.bottom) / 2];
  const [x2, y2] = [to.left, to.top + Math.min(18 + 12 * count, to.bottom - to.top - 6)];
  const bend = Math.max(14, (x2 - x1) / 2);
  return { path: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2 - HEAD},${y2}`, head: [x2, y2, 1, 0], tail: [x1, y1, -1, 0] };
}

function backwards(from, to, count) {
  const [x1, y1] = [from.left, (from.top + from.bottom) / 2];
  const [x2, y2] = [to.right, to.top + Math.min(18 + 12 * count, to.bottom - to.top - 6)];
  const bend = Math.max(14, (x1 - x2) / 2);
  return { path: `M${x1},${y1} C${x1 - bend},${y1} ${x2 + bend},${y2} ${x2 + HEAD},${y2}`, head: [x2, y2, -1, 0], tail: [x1, y1, 1, 0] };
}

function downwards(from, to, count) {
  const up = to.bottom <= from.top ? -1 : 1;
  const [x1, y1] = [(from.left + from.right) / 2, up > 0 ? from.bottom : from.top];
  const middle = (to.left + to.right) / 2;
  const [x2, y2] = [middle + (count ? (count % 2 ? 14 : -14) * Math.ceil(count / 2) : 0), up > 0 ? to.top : to.bottom];
  const bend = up * Math.max(12, Math.abs(y2 - y1) / 2);
  return { path: `M${x1},${y1} C${x1},${y1 + bend} ${x2},${y2 - bend} ${x2},${y2 - up * HEAD}`, head: [x2, y2, 0, up], tail: [x1, y1, 0, -up] };
}

/** A triangle with its point at x, y, looking along dx, dy. */
function tip(x, y, dx, dy) {
  const [px, py] = [-dy * 4.5, dx * 4.5];
  const [bx, by] = [x - dx * 9, y - dy * 9];
  return `M${x},${y} L${bx + px},${by + py} L${bx - px},${by - py} Z`;
}
