// Colours, maps of one byte a cell, and points on the playground's canvases.
import { BOX } from "../settings.js";

// Each stands out from light and from dark pages by 3 : 1 or more.
export const CLASSES = ["#d97706", "#1277bd", "#1f8a4c", "#9254c8", "#d6457f", "#8a6d3b"];
const MIDDLE = { light: [240, 242, 245], dark: [30, 38, 47] };
const SURFACE = 0.6; // of the full colour at most, so that a point stands out on its own colour

const theme = () => (document.documentElement.dataset.theme === "dark" ? "dark" : "light");
const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
export const colour = (k) => CLASSES[k % CLASSES.length];

// A colour of the style sheet; looked up once for each theme, since asking makes the browser work.
const known = { light: {}, dark: {} };
export const css = (name) => (known[theme()][name] ??= getComputedStyle(document.documentElement).getPropertyValue(name).trim());

// Orange below 0, blue above.
function mixed(v, full) {
  const middle = MIDDLE[theme()], end = rgb(CLASSES[v < 0 ? 0 : 1]), share = Math.min(Math.abs(v), 1) * full;
  return middle.map((m, i) => Math.round(m + (end[i] - m) * share));
}
export const shade = (v) => `rgb(${mixed(v, 1).join()})`;

const tables = {};
const ramp = (full) => (tables[theme() + full] ??= Array.from({ length: 256 }, (_, i) => mixed((i - 127.5) / 127.5, full)));

// Draw a map of bytes: one map shows signed values around the middle, several the share of each class.
export function map(canvas, cells, { blank = -1, full = 0.85 } = {}) {
  const side = Math.round(Math.sqrt(cells[0].length));
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d"), image = pen.createImageData(side, side), { data } = image;
  if (cells.length === 1) signed(data, cells[0], ramp(full));
  else shares(data, cells, cells.map((_, k) => (k === blank ? MIDDLE[theme()] : rgb(colour(k)))), full);
  pen.putImageData(image, 0, 0);
}

function signed(data, cells, table) {
  for (let i = 0; i < cells.length; i++) {
    const [r, g, b] = table[cells[i]];
    data[4 * i] = r; data[4 * i + 1] = g; data[4 * i + 2] = b; data[4 * i + 3] = 255;
  }
}

function shares(data, cells, colours, full) {
  const middle = MIDDLE[theme()];
  for (let i = 0; i < cells[0].length; i++) {
    for (let j = 0; j < 3; j++) {
      let sum = 0;
      for (let k = 0; k < cells.length; k++) sum += (cells[k][i] / 255) * (middle[j] + (colours[k][j] - middle[j]) * full);
      data[4 * i + j] = sum;
    }
    data[4 * i + 3] = 255;
  }
}

export const surface = (canvas, cells) => map(canvas, cells, { full: SURFACE });

// Draw the share of one class, in its colour.
export function share(canvas, cells, k) {
  map(canvas, Array.from({ length: k + 2 }, (_, i) => (i === k ? cells : i === k + 1 ? cells.map((p) => 255 - p) : new Uint8Array(cells.length))), { blank: k + 1 });
}

// A pen for a canvas as sharp as the screen, with the size in CSS pixels.
const sizes = new WeakMap();
new ResizeObserver((entries) => { for (const { target } of entries) sizes.delete(target); }).observe(document.documentElement);
export function forgetSizes(...canvases) { for (const canvas of canvases) sizes.delete(canvas); }

export function penOf(canvas) {
  if (!sizes.get(canvas)?.[0]) sizes.set(canvas, [canvas.clientWidth, canvas.clientHeight]);
  const ratio = window.devicePixelRatio || 1, [width, height] = sizes.get(canvas);
  const pen = canvas.getContext("2d"), [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.globalAlpha = 1;
  pen.setLineDash([]);
  pen.textAlign = "left";
  return [pen, width, height];
}

// ---- points ---------------------------------------------------------------------------------------------------------

const ofAnswer = (y, classes) => (classes ? colour(y) : shade(Math.max(-1, Math.min(1, y))));
const CORNERS = [0, 4, 3, 5, 4, 6]; // of the mark of each class; 0: a circle
const TURNS = [0, 0.25, 0.5, 0.5, 0, 0]; // of a corner: a square, a triangle, a pentagon, a diamond, a hexagon

function mark(pen, x, y, r, k) {
  const corners = CORNERS[k % CORNERS.length];
  pen.beginPath();
  if (!corners) { pen.arc(x, y, r, 0, 7); return; }
  for (let i = 0; i < corners; i++) {
    const a = (2 * Math.PI * (i + (corners === 4 ? TURNS[k] * 2 : 0))) / corners - Math.PI / 2;
    pen.lineTo(x + 1.2 * r * Math.cos(a), y + 1.2 * r * Math.sin(a));
  }
  pen.closePath();
}

// Each class has a mark of its own, with a light rim in a dark one: it is seen on every colour, and without colours too.
function point(pen, x, y, r, { fill, k, hollow }) {
  mark(pen, x, y, r, k);
  pen.lineJoin = "round";
  pen.lineWidth = hollow ? 3.4 : 3;
  pen.strokeStyle = hollow ? "#fff" : "#10151b";
  pen.stroke();
  if (!hollow) { pen.lineWidth = 1.4; pen.strokeStyle = "#fff"; pen.stroke(); pen.fillStyle = fill; pen.fill(); return; }
  pen.lineWidth = 1.8;
  pen.strokeStyle = fill;
  pen.stroke();
}

// A mark is drawn once for each colour, and then copied: hundreds are painted at each frame.
const stamps = new Map();
function stamp(look, radius) {
  const ratio = window.devicePixelRatio || 1, key = `${Object.values(look)} ${radius} ${ratio}`;
  if (stamps.has(key)) return stamps.get(key);
  const half = radius + 4, made = document.createElement("canvas");
  made.width = made.height = Math.ceil(2 * half * ratio);
  const pen = made.getContext("2d");
  pen.scale(ratio, ratio);
  point(pen, half, half, radius, look);
  stamps.set(key, made);
  return made;
}

// Answers of a regression are numbers: a few dozen colours are enough.
const rounded = (y) => Math.round(Math.max(-1, Math.min(1, y)) * 20) / 20;

export function points(canvas, list, { classes, test = [], last = null, radius = 3.2, fading = true }) {
  const [pen, width, height] = penOf(canvas);
  const place = ([x, y]) => [(width * (x + BOX)) / (2 * BOX), (height * (BOX - y)) / (2 * BOX)];
  const drawn = (hollow) => (one, i, { length }) => {
    const [x, y] = place(one), half = radius + 4;
    pen.globalAlpha = fading && !hollow ? 0.3 + (0.7 * (i + 1)) / length : 1;
    const look = { fill: classes ? colour(one[2]) : shade(rounded(one[2])), k: classes ? one[2] : 0, hollow };
    pen.drawImage(stamp(look, radius), x - half, y - half, 2 * half, 2 * half);
  };
  test.forEach(drawn(true));
  list.forEach(drawn(false));
  pen.globalAlpha = 1;
  if (!last) return;
  pen.beginPath();
  pen.arc(...place(last), radius + 6, 0, 7);
  pen.lineWidth = 2.5;
  pen.strokeStyle = css("--text");
  pen.stroke();
}

// Draw the mark of a class, for a legend.
export function legendMark(canvas, k) {
  const [pen, width, height] = penOf(canvas);
  point(pen, width / 2, height / 2, width / 2 - 3, { fill: colour(k), k, hollow: false });
}

// Draw a thumbnail: points only.
export function thumbnail(canvas, list, classes) {
  const [pen, width, height] = penOf(canvas);
  for (const [x, y, answer] of list) {
    pen.fillStyle = ofAnswer(answer, classes);
    pen.fillRect((width * (x + BOX)) / (2 * BOX) - 1, (height * (BOX - y)) / (2 * BOX) - 1, 2.2, 2.2);
  }
}
