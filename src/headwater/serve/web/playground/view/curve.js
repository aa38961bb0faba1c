// The curves of the loss: before learning, of two baselines, on what was learned and on what is held out; with a mark where the concept changed.
import { css, penOf } from "./draw.js";

// The net before it learns a sample, two baselines, the training points, the test points.
const LINES = [
  { colour: "--blue", dash: [], width: 2.2 }, { colour: "--soft", dash: [6, 4], width: 1.4 }, { colour: "--soft", dash: [2, 3], width: 1.4 },
  { colour: "--good", dash: [10, 3], width: 1.7 }, { colour: "--bad", dash: [], width: 1.7 },
];

// list: [[n, net, frequencies, last answer]]; fits: [[n, training, test]]; marks: samples at which the concept changed.
export function curve(canvas, list, fits, marks, { words }) {
  const [pen, width, height] = penOf(canvas), left = 40, bottom = height - 18, top = 8;
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = css("--soft");
  if (list.length < 2) { pen.fillText(words.waiting, left, height / 2); return; }
  const values = [...list.flatMap((row) => row.slice(1)), ...fits.flatMap((row) => row.slice(1))].filter(Number.isFinite).sort((a, b) => a - b);
  const most = Math.max(values[Math.floor(0.98 * (values.length - 1))] * 1.15, 1e-3), start = list[0][0], end = list.at(-1)[0];
  const px = (n) => left + ((n - start) / Math.max(end - start, 1)) * (width - left - 6);
  const py = (v) => bottom - (Math.min(v, most) / most) * (bottom - top);
  frame(pen, { left, right: width - 6, py, most, height, start, end, words });
  pen.strokeStyle = css("--bad");
  pen.setLineDash([3, 3]);
  for (const at of marks) if (at >= start) { pen.beginPath(); pen.moveTo(px(at), top); pen.lineTo(px(at), bottom); pen.stroke(); }
  const within = fits.filter(([n]) => n >= start && n <= end), step = Math.ceil(list.length / width); // no more points than pixels
  const shown = step > 1 ? list.filter((_, i) => i % step === 0 || i === list.length - 1) : list;
  for (const [k, rows, place] of [[2, shown, 3], [1, shown, 2], [4, within, 2], [3, within, 1], [0, shown, 1]]) {
    pen.beginPath();
    rows.forEach((row, i) => (i ? pen.lineTo(px(row[0]), py(row[place])) : pen.moveTo(px(row[0]), py(row[place]))));
    ink(pen, LINES[k]);
  }
  pen.setLineDash([]);
}

function frame(pen, { left, right, py, most, height, start, end, words }) {
  pen.strokeStyle = css("--line");
  pen.lineWidth = 1;
  for (const share of [0, 0.5, 1]) {
    const v = (share * most) / 1.15;
    pen.beginPath(); pen.moveTo(left, py(v)); pen.lineTo(right, py(v)); pen.stroke();
    pen.textAlign = "right"; pen.fillText(v ? v.toPrecision(2) : "0", left - 5, py(v) + 4);
  }
  pen.textAlign = "left"; pen.fillText(start.toLocaleString(), left, height - 4);
  pen.textAlign = "right"; pen.fillText(`${end.toLocaleString()} ${words.rows}`, right, height - 4);
}

function ink(pen, { colour, dash, width }) {
  pen.setLineDash(dash);
  pen.strokeStyle = css(colour);
  pen.lineWidth = width;
  pen.stroke();
}

// Draw a piece of a line, for a legend.
export function swatch(canvas, k) {
  const [pen, width, height] = penOf(canvas);
  pen.beginPath(); pen.moveTo(0, height / 2); pen.lineTo(width, height / 2);
  ink(pen, LINES[k]);
}
