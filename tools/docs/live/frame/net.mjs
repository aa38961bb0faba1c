// A net as a drawing: units in columns, arrows between them with a number each.

import { colours, signed } from "./colours.mjs";
import { escaped, svg } from "./marks.mjs";

const [COLUMN, ROW, RADIUS] = [118, 84, 21];
const EDGE = { left: 40, top: 46 };

/**
 * @param {object} net {columns, arrows, gap, said}; gap: between two columns
 *   columns: of units {text, above, below, colour, strong} · arrows: {from: [column, unit], to, text, weight, colour, back, strong}
 */
export function net({ columns, arrows = [], gap = COLUMN, said = "" }) {
  const most = Math.max(...columns.map((units) => units.length));
  const width = 2 * EDGE.left + (columns.length - 1) * gap;
  const height = 2 * EDGE.top + (most - 1) * ROW;
  const place = ([column, unit]) => {
    const units = columns[column].length;
    return [EDGE.left + column * gap, height / 2 + (unit - (units - 1) / 2) * ROW];
  };
  const lines = arrows.map((arrow) => drawnArrow(arrow, place(arrow.from), place(arrow.to)));
  const units = columns.flatMap((column, c) => column.map((unit, u) => drawnUnit(unit, place([c, u]))));
  const box = `viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(said)}"`;
  return `<svg class="net" ${box}>${lines.map(([line]) => line).join("")}${lines.map(([, text]) => text).join("")}${units.join("")}</svg>`;
}

function drawnUnit({ text, above = "", below = "", colour = colours.blue, strong = false }, [x, y]) {
  const ring = svg("circle", { cx: x, cy: y, r: RADIUS, class: "unit", stroke: colour, "stroke-width": strong ? 4 : 1.8 });
  const label = (at, said, kind) => svg("text", { x, y: at, "text-anchor": "middle", class: kind }, escaped(said));
  const under = below.split("\n").map((line, i) => label(y + RADIUS + 14 + 13 * i, line, "label"));
  return ring + label(y + 4.5, text, "value") + label(y - RADIUS - 7, above, "label") + under.join("");
}

/** An arrow and its text, which stands above all arrows. */
function drawnArrow({ text = "", weight, colour, strong = false, back = false, at = 0.5 }, from, to) {
  const [start, end] = back ? [to, from] : [from, to];
  const length = Math.hypot(end[0] - start[0], end[1] - start[1]);
  const unit = [(end[0] - start[0]) / length, (end[1] - start[1]) / length];
  const [a, b] = [start.map((c, i) => c + unit[i] * (RADIUS + 1)), end.map((c, i) => c - unit[i] * (RADIUS + 3))];
  const hue = colour ?? (weight === undefined ? colours.pale : signed(weight));
  const thick = strong ? 3 : weight === undefined ? 1.4 : Math.min(5, 0.7 + 1.2 * Math.abs(weight));
  const tip = [-1, 1].map((side) => [b[0] - 7 * unit[0] - side * 3.5 * unit[1], b[1] - 7 * unit[1] + side * 3.5 * unit[0]]);
  const line = svg("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1], stroke: hue, "stroke-width": thick });
  const head = svg("polygon", { points: [b, ...tip].map((point) => point.map((c) => c.toFixed(1)).join(",")).join(" "), fill: hue });
  const middle = from.map((c, i) => c + at * (to[i] - c));
  const label = text ? svg("text", { x: middle[0], y: middle[1] + 4, "text-anchor": "middle", class: "on-arrow" }, escaped(text)) : "";
  return [line + head, label];
}
