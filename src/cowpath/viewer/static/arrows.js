// SPDX-License-Identifier: MIT
// An arrow for each pointer, drawn once the cards have their places.  It goes around what stands between.

import { cls, svg } from "cowpath/dom";

const HEAD = 7; // a curve ends this far before the point of its arrow
const AIR = 7; // between an arrow and the cards that it passes

/** Draw (again, after anything moved) the arrows of one picture. */
export function draw({ picture, layer, arrows }) {
  const frame = picture.getBoundingClientRect();
  if (!frame.width) return;
  layer.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
  layer.setAttribute("width", frame.width);
  layer.setAttribute("height", frame.height);
  const box = (node) => {
    const rect = node.getBoundingClientRect();
    return { left: rect.left - frame.left, right: rect.right - frame.left, top: rect.top - frame.top, bottom: rect.bottom - frame.top };
  };
  const columns = [...picture.querySelectorAll(".column")].map((node) => ({ node, cards: [...node.querySelectorAll(".card")].map(box) }));
  const end = (name) => {
    const node = picture.querySelector(`[data-record="${CSS.escape(name)}"]`);
    return node && { ...box(node), column: columns.findIndex((column) => column.node.contains(node)) };
  };
  const map = { columns: columns.map((column) => column.cards), stacked: stacked(columns.map((column) => column.cards)), arriving: new Map(), lanes: new Map() };
  const lines = pairs(arrows).map((arrow) => line(arrow, end(arrow.from), end(arrow.to), map));
  layer.replaceChildren(...lines.filter(Boolean));
}

/** Whether the columns stand below each other, as on a narrow screen. */
function stacked(columns) {
  const [first, second] = columns.filter((cards) => cards.length);
  return Boolean(second) && second[0].top >= Math.max(...first.map((card) => card.bottom));
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

function line(arrow, from, to, map) {
  if (!from || !to) return null;
  const count = map.arriving.get(arrow.to) ?? 0;
  map.arriving.set(arrow.to, count + 1);
  const { path, head, tail } = route(from, to, count, map);
  return svg(
    "g",
    { class: cls("arrow", arrow.changed && "changed"), "data-from": arrow.from, "data-to": arrow.to },
    svg("path", { d: path }),
    svg("path", { class: "head", d: tip(...head) }),
    arrow.both && svg("path", { class: "head", d: tip(...tail) }),
  );
}

/** From column to column an arrow goes sideways (downwards where they are stacked), within one the other way. */
function route(from, to, count, map) {
  const same = from.column === to.column;
  let turned = same !== map.stacked;
  const apart = (a, b) => a.right <= b.left || b.right <= a.left;
  if (!apart(turned ? turn(from) : from, turned ? turn(to) : to)) turned = !turned;
  const [start, goal] = turned ? [turn(from), turn(to)] : [from, to];
  const sign = goal.left >= start.right ? 1 : -1;
  const y1 = (start.top + start.bottom) / 2;
  const y2 = turned ? middle(goal, count) : goal.top + Math.min(18 + 12 * count, goal.bottom - goal.top - 6);
  const points = [[sign > 0 ? start.right : start.left, y1]];
  const last = [sign > 0 ? goal.left : goal.right, y2];
  const cardsOf = (at) => map.columns[at].map((card) => (turned ? turn(card) : card));
  if (!same) points.push([edge(cardsOf(from.column), sign), y1]); // cards of one column may differ in size
  for (let at = from.column + sign; !same && at !== to.column && map.columns[at]; at += sign) {
    const cards = merged(cardsOf(at));
    if (cards.length) points.push(...passing(cards, points.at(-1), last, sign, map.lanes));
  }
  if (!same) points.push([edge(cardsOf(to.column), -sign), y2]);
  const place = ([x, y]) => (turned ? [y, x] : [x, y]);
  return {
    path: curve([...points, [last[0] - sign * HEAD, y2]], sign, place),
    head: [...place(last), ...place([sign, 0])],
    tail: [...place(points[0]), ...place([-sign, 0])],
  };
}

/** Where the cards of a column end, to the right or (-1) to the left. */
function edge(cards, sign) {
  return sign > 0 ? Math.max(...cards.map((card) => card.right)) : Math.min(...cards.map((card) => card.left));
}

function turn({ left, right, top, bottom }) {
  return { left: top, right: bottom, top: left, bottom: right };
}

/** Where the next of several arrows meets an edge: in the middle, then to either side of it. */
function middle({ top, bottom }, count) {
  return (top + bottom) / 2 + (count % 2 ? 14 : -14) * Math.ceil(count / 2);
}

/** Cards from top to bottom; those that leave no gap between them (a row that wraps) are as one. */
function merged(cards) {
  const found = [];
  for (const card of cards.sort((a, b) => a.top - b.top)) {
    const last = found.at(-1);
    if (!last || card.top >= last.bottom) found.push({ ...card });
    else Object.assign(last, { left: Math.min(last.left, card.left), right: Math.max(last.right, card.right), bottom: Math.max(last.bottom, card.bottom) });
  }
  return found;
}

/** Two points that lead past a column of cards: straight on where there is room, else through the nearest gap. */
function passing(cards, from, to, sign, lanes) {
  const left = Math.min(...cards.map((card) => card.left));
  const right = Math.max(...cards.map((card) => card.right));
  const straight = from[1] + ((to[1] - from[1]) * ((left + right) / 2 - from[0])) / (to[0] - from[0]);
  let y = straight;
  if (cards.some((card) => y > card.top - AIR && y < card.bottom + AIR)) {
    const gaps = cards.slice(1).map((card, number) => (cards[number].bottom + card.top) / 2);
    const ways = [cards[0].top - AIR, ...gaps, cards.at(-1).bottom + AIR];
    y = ways.reduce((best, way) => (Math.abs(way - straight) < Math.abs(best - straight) ? way : best));
    const key = `${left} ${y}`;
    const taken = lanes.get(key) ?? 0;
    lanes.set(key, taken + 1);
    y += taken % 2 ? 4 * Math.ceil(taken / 2) : -4 * (taken / 2);
  }
  return sign > 0 ? [[left, y], [right, y]] : [[right, y], [left, y]];
}

/** A smooth line through points that alternate between the gaps of columns and the columns themselves. */
function curve(points, sign, place) {
  const parts = [`M${place(points[0])}`];
  for (let number = 1; number < points.length; number++) {
    const [[x1, y1], [x2, y2]] = [points[number - 1], points[number]];
    const bend = sign * Math.max(14, Math.abs(x2 - x1) / 2);
    parts.push(y1 === y2 ? `L${place([x2, y2])}` : `C${place([x1 + bend, y1])} ${place([x2 - bend, y2])} ${place([x2, y2])}`);
  }
  return parts.join(" ");
}

/** A triangle with its point at x, y, looking along dx, dy. */
function tip(x, y, dx, dy) {
  const [px, py] = [-dy * 4.5, dx * 4.5];
  const [bx, by] = [x - dx * 9, y - dy * 9];
  return `M${x},${y} L${bx + px},${by + py} L${bx - px},${by - py} Z`;
}
