// Gradient descent on a batch, step by step, and the numbers of each layer: the parts of Network that look into its flat vector.

import { LAYER_KINDS } from "../declare/declared.mjs";
import { DataError } from "../errors.mjs";

/** Places in the structs of headwater.h; bridge.c checks them. */
export const OPERATION = { size: 64, kind: 0, code: 4, layer: 12, n: 16, m: 20, weights: 24, stride: 32, biasAt: 40, buffer: 48, constant: 56 };
export const SHAPE = {
  ...{ size: 184, targets: 12, history: 28, mixture: 32, tables: 40, tests: 44, outputs: 52 },
  ...{ bias: 60, dense: 64, stride: 72, rows: 80 },
};
const BATCH_PART = 256; // samples whose gradient is summed at once, as in Python: the same bits

/** Call with room that is given back afterwards. */
export function withRoom(core, bytes, call) {
  const at = core.take(bytes);
  try {
    return call(at);
  } finally {
    core.free(at);
  }
}

/**
 * Return where the numbers of each layer lie in the flat vector: [{layer, n, m, at, stride, biasAt}], biasAt −1 without one.
 * A convolution has a row for each number of its window (row, column, channel) and a column for each kernel.
 */
export function placesOf({ core, learner }, layers) {
  return withRoom(core, SHAPE.size + OPERATION.size, (at) => {
    core.calls.hw_describe(learner, at);
    const shape = new DataView(core.memory.buffer, at, SHAPE.size);
    const whole = (name) => Number(shape.getBigInt64(SHAPE[name], true));
    core.check(core.calls.hw_columns_of(learner, 0, at, at + 4));
    const [first, width] = new Int32Array(core.memory.buffer, at, 2);
    const [dense, stride] = [whole("dense") + first, whole("stride")];
    const table = { layer: 0, n: whole("rows") - 1, m: width, at: dense + stride, stride, biasAt: shape.getInt32(SHAPE.bias, true) ? dense : -1 };
    const own = Array.from({ length: core.calls.hw_operations(learner, 0) }, (_, o) => operation(core, learner, o, at + SHAPE.size));
    return [...(width ? [table] : []), ...own.filter((place) => place.at >= 0).map((place) => unitsOf(place, layers))];
  });
}

/** The units of a layer that reads an image are channels, not all its numbers. */
function unitsOf(place, layers) {
  const layer = layers[place.layer];
  if (layer.class === "Conv") return { ...place, m: layer.channels };
  const before = layers.slice(0, place.layer);
  const inImage = layer.class === "BatchNorm" && before.some(({ class: own }) => own === "Conv") && !before.some(({ class: own }) => own === "Flatten");
  return inImage ? { ...place, m: before.findLast(({ class: own }) => own === "Conv").channels } : place;
}

function operation(core, learner, o, at) {
  core.check(core.calls.hw_operation_at(learner, 0, o, at));
  const view = new DataView(core.memory.buffer, at, OPERATION.size);
  const [layer, n, m] = ["layer", "n", "m"].map((name) => view.getInt32(OPERATION[name], true));
  const [weights, stride, biasAt] = ["weights", "stride", "biasAt"].map((name) => Number(view.getBigInt64(OPERATION[name], true)));
  const kind = view.getInt32(OPERATION.kind, true);
  const rows = kind === LAYER_KINDS.Dense || kind === LAYER_KINDS.Conv ? n : 0; // a normalisation has one row of gains
  return { kind, layer, n: rows, m, at: weights, stride, biasAt };
}

/** Return the numbers of each layer in a flat vector, copies: [{name, weights: {data, shape}, bias}]. */
export function layersIn(vector, places, layers) {
  return places.map(({ layer, n, m, at, stride, biasAt }) => {
    const data = new vector.constructor((n || 1) * m);
    for (let i = 0; i < (n || 1); i++) data.set(vector.subarray(at + i * stride, at + i * stride + m), i * m);
    const bias = biasAt < 0 ? null : vector.slice(biasAt, biasAt + m);
    return { name: layers[layer].class, weights: { data, shape: n ? [n, m] : [m] }, bias };
  });
}

/** Write the numbers of each layer into a flat vector. */
export function intoVector(vector, places, layers) {
  if (layers?.length !== places.length) throw unlike(`${places.length} layers`, String(layers?.length));
  places.forEach(({ n, m, at, stride, biasAt }, l) => {
    const { weights, bias } = layers[l];
    const rows = n || 1;
    if (weights?.data?.length !== rows * m) throw unlike(`${rows * m} weights of layer ${l}`, String(weights?.data?.length));
    for (let i = 0; i < rows; i++) vector.set(weights.data.subarray(i * m, (i + 1) * m), at + i * stride);
    if (biasAt >= 0 && bias) vector.set(bias.subarray(0, m), biasAt);
  });
  return vector;
}

function unlike(expected, got) {
  return new DataError({ expected, got, at: "setLayers", help: "Give what layers returned, with other numbers." });
}

/** Return the mean loss of a batch, {x, y, w, n, ids, answers}, and its gradient as a flat vector, without the penalty. */
export function gradientOf(engine, numbers, batch, { learn = false } = {}) {
  const { core, learner } = engine;
  const { x, y, w, n, ids, answers } = batch;
  const vector = engine.array("weights").data.fill(0);
  const whole = learn && engine.array("buffer").data.length; // batch norm must see all of it at once
  const step = whole ? Math.max(n, 1) : BATCH_PART;
  const total = w.reduce((sum, weight) => sum + weight, 0) || 1;
  let loss = 0;
  engine.enter();
  const g = core.copied(vector);
  try {
    for (let at = 0; at < n; at += step) {
      const count = Math.min(step, n - at);
      const part = (from, width) => core.copied(from.subarray(at * width, (at + count) * width));
      const taken = [part(x, ids), part(y, answers), part(w, 1), core.take(8)];
      try {
        core.check(core.calls.js_gradient(learner, ...taken.slice(0, 3), count, answers, ids, total, learn ? 1 : 0, g, taken[3]));
        loss += core.doubles[taken[3] >>> 3];
      } finally {
        for (const one of taken) core.free(one);
      }
    }
    return { loss, gradient: new numbers(core.memory.buffer, g, vector.length).slice() };
  } finally {
    core.free(g);
    core.leave();
  }
}

/** Take one step of the rule along a gradient. */
export function stepAlong(engine, gradient, penalise) {
  const { core, learner } = engine;
  engine.enter();
  const g = core.copied(gradient);
  try {
    core.check(core.calls.hw_apply(learner, g, penalise ? 1 : 0));
  } finally {
    core.free(g);
    core.leave();
  }
}

/** Return the penalty l1·Σ|w| + ½·l2·Σw², and add its gradient to a flat vector. */
export function penalty(vector, places, { l1, l2 }, gradient) {
  let sum = 0;
  if (!l1 && !l2) return sum;
  for (const { n, m, at, stride } of places) {
    for (let i = 0; i < n; i++) {
      for (let j = at + i * stride; j < at + i * stride + m; j++) {
        const w = vector[j];
        sum += l1 * Math.abs(w) + 0.5 * l2 * w * w;
        gradient[j] += l2 * w + l1 * Math.sign(w);
      }
    }
  }
  return sum;
}
