// Tables and bars.

import { colours, signed } from "./colours.mjs";
import { escaped, svg } from "./marks.mjs";

/** A table {head, rows, strong}: the first cell of a row is its heading, `strong` the number of a row to point out. */
export function table({ head, rows, strong = -1, said = "" }) {
  const top = head.map((cell) => (cell ? `<th scope="col">${escaped(cell)}</th>` : "<td></td>")).join("");
  const body = rows.map(([first, ...rest], i) => {
    const cells = rest.map((cell) => `<td>${escaped(cell)}</td>`).join("");
    return `<tr${i === strong ? ' class="strong"' : ""}><th scope="row">${escaped(first)}</th>${cells}</tr>`;
  });
  const label = said ? ` aria-label="${escaped(said)}"` : "";
  return `<div class="numbers" tabindex="0" role="region"${label || ' aria-label="table"'}><table><thead><tr>${top}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

/** Bars {title, items: {name, value, text, colour}, from, to}: lengths from 0, to both sides if there are negative ones. */
export function bars({ title = "", items, from = 0, to, said = title }) {
  const [width, left, right, top, row] = [350, 124, 62, 26, 24];
  const high = to ?? Math.max(1e-12, ...items.map(({ value }) => value));
  const scale = (width - left - right) / (high - from);
  const zero = left - from * scale;
  const lines = items.map(({ name, value, text, colour = signed(value) }, i) => {
    const y = top + i * row;
    const length = Math.max(from, Math.min(high, value)) * scale;
    const bar = svg("rect", { x: Math.min(zero, zero + length), y: y + 3, width: Math.max(0.5, Math.abs(length)), height: row - 9, fill: colour });
    const label = svg("text", { x: 4, y: y + 15, class: "label" }, escaped(name));
    return label + bar + svg("text", { x: width - 4, y: y + 15, "text-anchor": "end", class: "label" }, escaped(text));
  });
  const height = top + items.length * row + 6;
  const axis = svg("line", { x1: zero, x2: zero, y1: top, y2: height - 6, stroke: colours.pale });
  const head = svg("text", { x: 4, y: 14, class: "title" }, escaped(title));
  return `<svg class="bars" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(said)}">${head}${axis}${lines.join("")}</svg>`;
}
