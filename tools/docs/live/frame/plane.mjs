// A plane with two axes: shades, lines, dots, marks. A chapter says what is on it; nothing here knows a chapter.

import { colours, shades } from "./colours.mjs";
import { escaped, svg } from "./marks.mjs";

const BOX = { width: 350, height: 250, left: 54, right: 20, top: 22, bottom: 36 };
const GRAIN = 48; // points of a shade, a side
const [INNER, OUTER] = [BOX.width - BOX.left - BOX.right, BOX.height - BOX.top - BOX.bottom];
// lines end at the axes
const INSIDE = `x="${BOX.left}" y="${BOX.top}" width="${INNER}" height="${OUTER}" viewBox="${BOX.left} ${BOX.top} ${INNER} ${OUTER}"`;

/**
 * @param {object} plane {title, square, x: {name, from, to, ticks}, y: …, shade, lines, dots, marks, said}
 *   square: of an image, whose pixels are as wide as high
 *   shade: (points: [x, y][]) => values from −1 to 1; with a `key` it is painted anew only when that changes
 * lines: {points, colour, dashed, width, name}
 *   dots: {x, y, colour, square, size, hollow, text} · marks: {x} or {y}, colour, dashed, text
 * @returns {string} SVG
 */
export function plane(host, { key = "", title = "", square = false, x, y, shade, lines = [], dots = [], marks = [], said = title }) {
  const place = scales(x, y, square);
  const parts = [
    shade ? shaded(painted(host, key, shade, x, y), x, y, place, square) : "",
    frame(x, y, place),
    ...marks.map((mark) => marked(mark, place)),
    `<svg ${INSIDE}>${lines.map((line) => drawnLine(line, place)).join("")}</svg>`,
    ...dots.filter((dot) => within(dot.x, x) && within(dot.y, y)).map((dot) => dotted(dot, place)),
    legend(lines.filter(({ name }) => name)),
    title ? svg("text", { x: BOX.left, y: 14, class: "title" }, escaped(title)) : "",
  ];
  const data = `data-x="${x.from},${x.to}" data-y="${y.from},${y.to}"`;
  const box = `viewBox="0 0 ${BOX.width} ${BOX.height}" role="img" aria-label="${escaped(said)}"`;
  return `<svg class="plane" ${box} ${data}>${parts.join("")}</svg>`;
}

/** Where on a plane of the page a pointer is, in the units of its axes. */
export function pointed(element, event) {
  const at = element.getBoundingClientRect();
  const [x, y] = [element.dataset.x, element.dataset.y].map((text) => text.split(",").map(Number));
  const u = ((event.clientX - at.left) / at.width) * BOX.width;
  const v = ((event.clientY - at.top) / at.height) * BOX.height;
  const across = (u - BOX.left) / (BOX.width - BOX.left - BOX.right);
  const up = (BOX.height - BOX.bottom - v) / (BOX.height - BOX.top - BOX.bottom);
  if (across < 0 || across > 1 || up < 0 || up > 1) return null;
  return [x[0] + across * (x[1] - x[0]), y[0] + up * (y[1] - y[0])];
}

function scales(x, y, square) {
  const each = [INNER / (x.to - x.from), OUTER / (y.to - y.from)];
  const [across, up] = square ? each.map(() => Math.min(...each)) : each;
  const inside = (at, low, high) => Math.max(low, Math.min(high, at));
  return {
    x: (at) => inside(BOX.left + (at - x.from) * across, -1000, 2000),
    y: (at) => inside(BOX.height - BOX.bottom - (at - y.from) * up, -1000, 2000),
  };
}

const kept = new WeakMap(); // of each figure its last shade that has a key

/** A shade as the address of a picture, for the theme that the page has now. */
function painted(host, key, shade, x, y) {
  const colour = shades(host);
  const name = `${key} ${colour(-1)} ${x.from} ${y.from}`;
  if (key && kept.get(host)?.name === name) return kept.get(host).address;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = GRAIN;
  const context = canvas.getContext("2d");
  const image = context.createImageData(GRAIN, GRAIN);
  shade(grid(x, y)).forEach((value, i) => image.data.set([...colour(value), 255], 4 * i));
  context.putImageData(image, 0, 0);
  const address = canvas.toDataURL();
  if (key) kept.set(host, { name, address });
  return address;
}

/** The middles of all grains, row by row from the top. */
function grid(x, y) {
  const along = ({ from, to }, share) => from + share * (to - from);
  return Array.from({ length: GRAIN * GRAIN }, (_, i) => [
    along(x, ((i % GRAIN) + 0.5) / GRAIN),
    along(y, 1 - (Math.floor(i / GRAIN) + 0.5) / GRAIN),
  ]);
}

function shaded(href, x, y, place, square) {
  const [left, top] = [place.x(x.from), place.y(y.to)];
  const size = { width: place.x(x.to) - left, height: place.y(y.from) - top };
  return svg("image", { href, preserveAspectRatio: "none", x: left, y: top, ...size, ...(square ? { style: "image-rendering: pixelated" } : {}) });
}

function frame(x, y, place) {
  const parts = [];
  for (const at of x.ticks ?? ticks(x)) {
    parts.push(svg("line", { x1: place.x(at), x2: place.x(at), y1: place.y(y.from), y2: place.y(y.to), class: "grid" }));
    parts.push(svg("text", { x: place.x(at), y: place.y(y.from) + 16, "text-anchor": "middle" }, tick(at, x)));
  }
  for (const at of y.ticks ?? ticks(y)) {
    parts.push(svg("line", { x1: place.x(x.from), x2: place.x(x.to), y1: place.y(at), y2: place.y(at), class: "grid" }));
    const above = at === y.from ? 1 : 4; // the lowest keeps away from the first along x
    parts.push(svg("text", { x: BOX.left - 5, y: place.y(at) + above, "text-anchor": "end" }, tick(at, y)));
  }
  const middle = (BOX.left + BOX.width - BOX.right) / 2;
  parts.push(svg("text", { x: middle, y: BOX.height - 6, "text-anchor": "middle", class: "axis" }, escaped(x.name ?? "")));
  const along = { x: -(BOX.top + BOX.height - BOX.bottom) / 2, y: 11, transform: "rotate(-90)", "text-anchor": "middle", class: "axis" };
  if (y.name) parts.push(svg("text", along, escaped(y.name)));
  return parts.join("");
}

/** Round numbers along an axis. */
function ticks({ from, to }) {
  const rough = (to - from) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((size) => size >= rough * 0.999);
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

function tick(at, { text }) {
  if (text) return escaped(text(at));
  const size = Math.abs(at);
  if (size >= 10_000) return `${Number((at / 1000).toPrecision(3))}k`.replace("-", "−");
  return String(Number(at.toPrecision(4))).replace("-", "−");
}

function drawnLine({ points, colour = colours.blue, dashed = false, width = 2 }, place) {
  const seen = points.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b));
  const text = seen.map(([a, b]) => `${place.x(a).toFixed(1)},${place.y(b).toFixed(1)}`).join(" ");
  const own = { fill: "none", stroke: colour, "stroke-width": width, "stroke-linejoin": "round" };
  return svg("polyline", { points: text, ...own, ...(dashed ? { "stroke-dasharray": "5 4" } : {}) });
}

function within(at, { from, to }) {
  return at >= from && at <= to;
}

function dotted({ x, y, colour = colours.ink, square = false, size = 4, hollow = false, text = "" }, place) {
  const [u, v] = [place.x(x), place.y(y)];
  const look = hollow ? { fill: "var(--live-paper)", stroke: colour, "stroke-width": 2 } : { fill: colour, class: "dot" };
  const shape = square
    ? svg("rect", { x: u - size, y: v - size, width: 2 * size, height: 2 * size, ...look })
    : svg("circle", { cx: u, cy: v, r: size, ...look });
  const label = text ? svg("text", { x: u + size + 3, y: v - size - 1, class: "label" }, escaped(text)) : "";
  return shape + label;
}

function marked({ x, y, colour = colours.ink, dashed = true, text = "" }, place) {
  const dash = dashed ? { "stroke-dasharray": "5 4" } : {};
  const own = { stroke: colour, "stroke-width": 1.4, ...dash };
  if (y !== undefined) {
    const v = place.y(y);
    const label = text ? svg("text", { x: BOX.width - BOX.right - 3, y: v - 4, "text-anchor": "end", class: "label" }, escaped(text)) : "";
    return svg("line", { x1: BOX.left, x2: BOX.width - BOX.right, y1: v, y2: v, ...own }) + label;
  }
  const u = place.x(x);
  const label = text ? svg("text", { x: u + 4, y: BOX.top + 12, class: "label" }, escaped(text)) : "";
  return svg("line", { x1: u, x2: u, y1: BOX.top, y2: BOX.height - BOX.bottom, ...own }) + label;
}

function legend(lines) {
  return lines
    .map(({ name, colour = colours.blue, dashed }, i) => {
      const y = BOX.top + 12 + 15 * i;
      const x = BOX.width - BOX.right - 6;
      const dash = dashed ? { "stroke-dasharray": "5 4" } : {};
      const key = svg("line", { x1: x - 16, x2: x, y1: y - 4, y2: y - 4, stroke: colour, "stroke-width": 2.5, ...dash });
      return key + svg("text", { x: x - 21, y, "text-anchor": "end", class: "label" }, escaped(name));
    })
    .join("");
}
