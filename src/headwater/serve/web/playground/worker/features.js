// What a net is given of a point, and maps of the plane in cells of one byte.
import { BOX } from "../settings.js";

/** Of each point [x1, x2], by the names in settings.js. */
const FEATURE = {
  x1: (a) => a,
  x2: (_, b) => b,
  "x1^2/3": (a) => (a * a) / 3,
  "x2^2/3": (_, b) => (b * b) / 3,
  "x1*x2/3": (a, b) => (a * b) / 3,
  "sin x1": (a) => Math.sin(a),
  "sin x2": (_, b) => Math.sin(b),
};

/** The inputs of points, as the net takes them. */
export function inputsOf(points, names) {
  const makers = names.map((name) => FEATURE[name]), data = new Float32Array(points.length * makers.length);
  points.forEach(([a, b], i) => makers.forEach((make, j) => { data[i * makers.length + j] = make(a, b); }));
  return { data, shape: [points.length, makers.length] };
}

/** Centres of side² cells of the box, from the top left. */
export function grid(side) {
  const at = (i) => BOX * ((2 * i + 1) / side - 1);
  return Array.from({ length: side * side }, (_, i) => [at(i % side), -at(Math.floor(i / side))]);
}

/** Every k-th of some values from place j on, times a scale and moved, as bytes: −1 is 0, 0 the middle, 1 is 255. What is no number lies there too. */
export function bytes(values, { scale = 1, shift = 0, j = 0, k = 1 } = {}) {
  const cells = new Uint8ClampedArray(values.length / k);
  for (let i = 0; i < cells.length; i++) {
    const byte = 127.5 + 127.5 * (values[i * k + j] * scale + shift);
    cells[i] = byte === byte ? byte : 128;
  }
  return cells;
}

/** The same scaled by the farthest of them, but not by less than ½. */
export function signed(values, j = 0, k = 1) {
  let far = 0.5;
  for (let i = j; i < values.length; i += k) { const size = Math.abs(values[i]); if (size > far) far = size; }
  return bytes(values, { scale: 1 / far, j, k });
}
