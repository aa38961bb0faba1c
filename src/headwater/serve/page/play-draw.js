// The playground's canvases: maps of one byte a cell, points, edges as thick as their weights, and the curve of the loss.
const CLASSES = ["#f28e1c", "#1277bd", "#2a9d5c", "#9254c8", "#d6457f", "#8a6d3b"];
const MIDDLE = { light: [240, 242, 245], dark: [30, 38, 47] };

const theme = () => (document.documentElement.dataset.theme === "dark" ? "dark" : "light");
const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const colour = (k) => CLASSES[k % CLASSES.length];

// Negative orange, nothing in the middle, positive blue; a value of 1 keeps a little light, so that points stand out on it.
function mixed(v, full = 0.85) {
  const middle = MIDDLE[theme()], end = rgb(CLASSES[v < 0 ? 0 : 1]), share = Math.min(Math.abs(v), 1) * full;
  return middle.map((m, i) => Math.round(m + (end[i] - m) * share));
}
export const shade = (v) => `rgb(${mixed(v, 1).join()})`;

const tables = {};
function ramp() {
  return tables[theme()] ??= Array.from({ length: 256 }, (_, i) => mixed((i - 127.5) / 127.5));
}

export const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// One map: signed values around the middle; several: the share of each class.
export function map(canvas, cells, blank = -1) {
  const side = Math.round(Math.sqrt(cells[0].length)), image = new ImageData(side, side), table = ramp(), middle = MIDDLE[theme()];
  for (let i = 0; i < side * side; i++) {
    let c;
    if (cells.length === 1) c = table[cells[0][i]];
    else {
      c = [0, 0, 0];
      cells.forEach((share, k) => rgb(colour(k)).forEach((part, j) => { c[j] += (share[i] / 255) * (middle[j] + (k === blank ? 0 : (part - middle[j]) * 0.85)); }));
    }
    image.data.set([c[0], c[1], c[2], 255], 4 * i);
  }
  if (canvas.width !== side) canvas.width = canvas.height = side;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// The share of one class, in its colour.
export function share(canvas, cells, k) {
  map(canvas, Array.from({ length: k + 2 }, (_, i) => (i === k ? cells : i === k + 1 ? cells.map((p) => 255 - p) : new Uint8Array(cells.length))), k + 1);
}

function sharp(canvas) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  const pen = canvas.getContext("2d"), [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.globalAlpha = 1;
  pen.setLineDash([]);
  pen.textAlign = "left";
  return [pen, width, height];
}

const ofAnswer = (y, classes) => (classes ? colour(y) : shade(Math.max(-1, Math.min(1, y))));

export function points(canvas, list, { classes, box, radius = 3.2, last = null }) {
  const [pen, width, height] = sharp(canvas);
  const place = ([x, y]) => [(width * (x + box)) / (2 * box), (height * (box - y)) / (2 * box)];
  list.forEach((point, i) => {
    pen.globalAlpha = 0.25 + (0.75 * (i + 1)) / list.length;
    pen.beginPath();
    pen.arc(...place(point), radius, 0, 7);
    pen.fillStyle = ofAnswer(point[2], classes);
    pen.fill();
    pen.lineWidth = 1;
    pen.strokeStyle = theme() === "dark" ? "#0d1117" : "#fff";
    pen.stroke();
  });
  pen.globalAlpha = 1;
  if (!last) return;
  pen.beginPath();
  pen.arc(...place(last), radius + 5, 0, 7);
  pen.lineWidth = 2.5;
  pen.strokeStyle = css("--text");
  pen.stroke();
}

// A thumbnail: points only, on the theme's own ground.
export function thumbnail(canvas, list, classes, box) {
  const [pen, width, height] = sharp(canvas);
  for (const [x, y, answer] of list) {
    pen.fillStyle = ofAnswer(answer, classes);
    pen.fillRect((width * (x + box)) / (2 * box) - 1, (height * (box - y)) / (2 * box) - 1, 2.2, 2.2);
  }
}

const bow = (t, a, b) => a + (b - a) * (3 * t * t - 2 * t * t * t);
const along = (t, a, b) => a + (b - a) * (1.5 * t * (1 - t) ** 2 + 1.5 * t * t * (1 - t) + t ** 3);

// links: [{from: [x, y], to: [x, y], w}]; returns nothing, draws the heaviest last.
export function edges(canvas, links, { flow = 0, lit = null } = {}) {
  const [pen] = sharp(canvas);
  for (const link of [...links].sort((a, b) => Math.abs(a.w) - Math.abs(b.w))) {
    const size = Math.min(Math.abs(link.w), 4), middle = (link.from[0] + link.to[0]) / 2;
    pen.beginPath();
    pen.moveTo(...link.from);
    pen.bezierCurveTo(middle, link.from[1], middle, link.to[1], ...link.to);
    pen.lineWidth = 0.7 + 2 * size;
    pen.globalAlpha = (lit !== null && link.unit !== lit ? 0.35 : 1) * (0.25 + 0.6 * Math.min(size, 1));
    pen.strokeStyle = link.w < 0 ? CLASSES[0] : CLASSES[1];
    pen.setLineDash(flow ? [9, 3] : []);
    pen.lineDashOffset = -flow;
    pen.stroke();
  }
}

// The link under the pointer, or null.
export function nearest(links, x, y) {
  let best = null, distance = 7;
  for (const link of links) {
    if (x < link.from[0] || x > link.to[0]) continue;
    let low = 0, high = 1;
    for (let i = 0; i < 20; i++) { const t = (low + high) / 2; if (along(t, link.from[0], link.to[0]) < x) low = t; else high = t; }
    const away = Math.abs(bow(low, link.from[1], link.to[1]) - y);
    if (away < distance) { best = link; distance = away; }
  }
  return best;
}

const DASHES = [[], [6, 4], [2, 3]];
export const lines = () => [css("--blue"), css("--soft"), css("--soft")];

// points: [[n, net, frequencies, last answer]]; marks: rows at which the concept changed.
export function curve(canvas, list, marks, { words }) {
  const [pen, width, height] = sharp(canvas), left = 40, bottom = height - 18, top = 8, soft = css("--soft");
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = soft;
  if (list.length < 2) { pen.fillText(words.waiting, left, height / 2); return; }
  const sorted = list.flatMap((row) => row.slice(1)).filter(Number.isFinite).sort((a, b) => a - b);
  const most = Math.max(sorted[Math.floor(0.98 * (sorted.length - 1))] * 1.15, 1e-3), start = list[0][0], end = list.at(-1)[0];
  const px = (n) => left + ((n - start) / Math.max(end - start, 1)) * (width - left - 6);
  const py = (v) => bottom - (Math.min(v, most) / most) * (bottom - top);
  pen.strokeStyle = css("--line");
  pen.lineWidth = 1;
  for (const share of [0, 0.5, 1]) {
    const v = (share * most) / 1.15;
    pen.beginPath(); pen.moveTo(left, py(v)); pen.lineTo(width - 6, py(v)); pen.stroke();
    pen.textAlign = "right"; pen.fillText(v ? v.toPrecision(2) : "0", left - 5, py(v) + 4);
  }
  pen.textAlign = "left"; pen.fillText(start.toLocaleString(), left, height - 4);
  pen.textAlign = "right"; pen.fillText(`${end.toLocaleString()} ${words.rows}`, width - 6, height - 4);
  pen.strokeStyle = css("--bad");
  pen.setLineDash([3, 3]);
  for (const mark of marks) if (mark >= start) { pen.beginPath(); pen.moveTo(px(mark), top); pen.lineTo(px(mark), bottom); pen.stroke(); }
  const colours = lines();
  for (const k of [2, 1, 0]) {
    pen.beginPath();
    list.forEach((row, i) => (i ? pen.lineTo(px(row[0]), py(row[k + 1])) : pen.moveTo(px(row[0]), py(row[k + 1]))));
    pen.setLineDash(DASHES[k]);
    pen.strokeStyle = colours[k];
    pen.lineWidth = k ? 1.5 : 2.2;
    pen.stroke();
  }
  pen.setLineDash([]);
}

// A swatch of a line, for a legend.
export function swatch(canvas, k) {
  const [pen, width, height] = sharp(canvas);
  pen.beginPath(); pen.moveTo(0, height / 2); pen.lineTo(width, height / 2);
  pen.setLineDash(DASHES[k]); pen.strokeStyle = lines()[k]; pen.lineWidth = k ? 1.5 : 2.5;
  pen.stroke();
}
