// A network of a fixed shape, on arrays of numbers: it predicts and learns row by row.

import { asLayer, asLoss, asOptimizer, made, outputsOf, readsImage, withNumbers } from "../declare/declare.mjs";
import { gradientOf, intoVector, layersIn, penalty, placesOf, stepAlong } from "./descent.mjs";
import { statesOf } from "./learner.mjs";
import { LearningEngine } from "./learning.mjs";
import { INSPECT } from "./predictor.mjs";
import { ConfigError, DataError, kindOf, shown, short } from "../errors.mjs";
import { sealed } from "../file/save.mjs";
import { settingsAsJson } from "../file/settings.mjs";
import { UNKNOWN, checkSettings, settingsOf } from "../declare/setup.mjs";
import { shuffleState } from "../file/shuffle.mjs";
import { isMany } from "../rows/values.mjs";

const NETWORK_SETTINGS = {
  loss: "mse",
  optimizer: "sgd",
  l1: 0,
  l2: 0,
  clip_norm: 0,
  clip_value: 0,
  layers: null,
  seed: 0,
  dtype: "float32",
  inputs: null,
};
const STRETCH = 4096; // rows that are learned at once
const CHUNK = 256; // rows that are predicted at once
const NUMBERED = ["cross_entropy", "hinge"]; // losses whose answers may be numbers of classes
const RANGES = { binary_cross_entropy: [0, 1], poisson: [0, Infinity], hinge: [0, 1], cross_entropy: [0, Infinity] };

export class Network {
  #inputs = 0;
  #image = null; // channels, height, width, where a row is one
  #shuffle;
  #row = 0; // room for an answer, a weight, a prediction and a row
  #short = false; // whether rows may go the short way: one output, no ids
  #range;

  /** @param {object} given {layers: [{name: "dense", units: 64, activation: "relu"}, …], loss, optimizer, inputs, seed, …} */
  constructor(core, given = {}, kept = {}) {
    const settings = settingsOf(Array.isArray(given) ? { layers: given } : given, NETWORK_SETTINGS, "Network");
    checkSettings(settings, "Network");
    const { loss, optimizer, l1, l2, clip_norm, clip_value, layers, seed, dtype, inputs } = settings;
    this.core = core;
    this.expert = made("Expert", {
      ...{ layers: (layers ?? []).map(asLayer), loss: asLoss(loss), optimizer: asOptimizer(optimizer) },
      ...{ l1, l2, clip_norm, clip_value },
    });
    checkExpert(this.expert);
    this.settings = Object.freeze({ ...settings, layers: this.expert.layers, loss: this.expert.loss, optimizer: this.expert.optimizer });
    this.outputs = outputsOf(this.expert);
    this.engine = null;
    this.numbers = dtype === "float64" ? Float64Array : Float32Array;
    this.#shuffle = kept.shuffle ?? shuffleState(seed);
    if (inputs !== null) this.build(inputs);
  }

  /** Draw the initial weights for that many inputs; data does it by itself. */
  build(inputs, state = null) {
    const ofImage = readsImage(this.expert);
    if (ofImage && !(Array.isArray(inputs) && inputs.length === 3 && inputs.every((n) => Number.isInteger(n) && n > 0))) {
      const help = "Give e.g. [1, 28, 28].";
      throw new ConfigError({ expected: "inputs: [channels, height, width]", got: shown(inputs), at: "Network", help });
    }
    if (!ofImage && (!Number.isInteger(inputs) || inputs < 0)) {
      throw new ConfigError({ expected: "a whole number of inputs", got: shown(inputs), at: "Network", help: "Give e.g. 4." });
    }
    const { seed, dtype } = this.settings;
    const [first] = this.expert.layers;
    const switches = { scale: false, targets: false, knots: 0, ring: 0, intervals: UNKNOWN, history: false };
    const sizes = { outputs: this.outputs, inputs: first.class === "Embedding" ? first.rows : inputs, max_rows: 1 << 20 };
    const setup = withNumbers({ experts: [this.expert], seed, dtype, ...switches, ...sizes });
    const { core } = this;
    const engine = state ? LearningEngine.restored(core, setup, state, { unusable: 0 }) : LearningEngine.begun(core, setup);
    this.free();
    this.engine = engine;
    this.#image = ofImage ? inputs : null;
    this.#inputs = ofImage ? inputs.reduce((product, n) => product * n) : inputs;
    this.#short = this.outputs === 1 && first.class !== "Embedding";
    this.#range = RANGES[this.expert.loss.name] ?? [-Infinity, Infinity];
    if (this.#short) this.#row = engine.reader.kept = core.take(24 + 8 * this.#inputs);
    return this;
  }

  // ---- learning -------------------------------------------------------------------------------------------------------

  /** Predict one row of numbers, then learn it; returns the prediction made before. */
  learnOne(x, y, w = 1) {
    const quick = this.#learnRow(x, y, w);
    if (quick !== undefined) return quick;
    const early = this.learnMany(rowOf(x), isMany(y) ? rowOf(y) : [y], [w]);
    return this.outputs === 1 ? early[0] : early.data;
  }

  /** The short way of a row with one good answer to a net of one output; undefined where the long way must look at it. */
  #learnRow(x, y, w) {
    const { core, engine } = this;
    const ids = this.#inputs;
    const plain = (x instanceof Float32Array || x instanceof Float64Array) && x.length === ids;
    if (!this.#short || !plain || typeof y !== "number" || w !== 1) return undefined;
    if (!(y >= this.#range[0] && y <= this.#range[1] && y - y === 0)) return undefined;
    engine.enter();
    try {
      const at = this.#row;
      const numbers = engine.wide ? core.doubles : core.floats;
      numbers.set(x, (at + 24) / numbers.BYTES_PER_ELEMENT);
      core.doubles[at / 8] = engine.wide ? y : Math.fround(y);
      core.doubles[at / 8 + 1] = 1;
      core.check(core.calls.js_learn_array(engine.learner, at + 24, at, at + 8, 1, 1, ids, at + 16));
      engine.learned += 1;
      return engine.wide ? core.doubles[at / 8 + 2] : core.floats[at / 4 + 4];
    } finally {
      core.leave();
    }
  }

  /** Predict each row, then learn it, strictly one after the other; returns the predictions made before. */
  learnMany(X, y, w) {
    const x = this.#inputsOf(X);
    const n = x.shape[0];
    const answers = this.#answersOf(y, n);
    const weights = this.#weightsOf(w, n);
    const out = new this.numbers(n * this.outputs);
    const [ids, k] = [this.#inputs, answers.shape[1]];
    for (let at = 0; at < n; at += STRETCH) {
      const count = Math.min(STRETCH, n - at);
      const part = ({ data }, width) => data.subarray(at * width, (at + count) * width);
      const blocks = [part(x, ids), Float64Array.from(part(answers, k)), Float64Array.from(weights.subarray(at, at + count))];
      this.#call(blocks, out.subarray(at * this.outputs, (at + count) * this.outputs), (learner, [px, py, pw], p) =>
        this.core.calls.js_learn_array(learner, px, py, pw, count, k, ids, p),
      );
    }
    return this.#shaped(out, n);
  }

  // ---- gradient descent, step by step ---------------------------------------------------------------------------------

  /** Weights and bias of each layer that has any, copies: [{name, weights: {data, shape: [n, m]}, bias}]. */
  get layers() {
    const { engine, expert } = this.#made();
    return layersIn(engine.array("weights").data, placesOf(engine, this.expert.layers), expert.layers);
  }

  /** Write numbers into the layers: what `layers` returned, with other ones. */
  setLayers(layers) {
    const { engine } = this.#made();
    this.core.overwrite(engine.learner, "weights", intoVector(engine.array("weights").data, placesOf(engine, this.expert.layers), layers));
  }

  /** The mean loss over a batch, with the penalty and without dropout. */
  loss(X, y, w) {
    return this.#lossAndGradient(X, y, w).loss;
  }

  /** The gradient of `loss` by every number of array("weights"), in its layout. */
  gradients(X, y, w) {
    return this.#lossAndGradient(X, y, w).gradient;
  }

  /** The same by layer and name, as in `layers`. */
  layerGradients(X, y, w) {
    const { gradient } = this.#lossAndGradient(X, y, w);
    return layersIn(gradient, placesOf(this.engine, this.expert.layers), this.expert.layers);
  }

  /** One step of the update rule along that gradient. */
  update(gradients) {
    const { engine } = this.#made();
    const size = engine.array("weights").data.length;
    if (gradients?.length !== size) {
      const help = "Give what gradients() returned.";
      throw new DataError({ expected: `${size} numbers`, got: String(gradients?.length), at: "update", help });
    }
    stepAlong(engine, this.numbers.from(gradients), false);
  }

  /** One step along the mean gradient of a batch, as Python's `fit` takes for each of its own; returns the loss before. */
  learnBatch(X, y, w) {
    const batch = this.#batchOf(X, y, w);
    const { loss, gradient } = gradientOf(this.engine, this.numbers, batch, { learn: true });
    if (Number.isFinite(loss)) stepAlong(this.engine, gradient, true);
    return loss;
  }

  #made() {
    if (this.engine !== null) return this;
    const help = "Give inputs, or data first.";
    throw new ConfigError({ expected: "a net whose inputs are known", got: "none so far", at: "Network", help });
  }

  #batchOf(X, y, w) {
    const x = this.#inputsOf(X);
    const n = x.shape[0];
    const answers = this.#answersOf(y, n);
    const wide = (numbers) => Float64Array.from(numbers);
    return { x: x.data, y: wide(answers.data), w: wide(this.#weightsOf(w, n)), n, ids: this.#inputs, answers: answers.shape[1] };
  }

  #lossAndGradient(X, y, w) {
    const batch = this.#batchOf(X, y, w);
    const { loss, gradient } = gradientOf(this.engine, this.numbers, batch);
    const more = penalty(this.engine.array("weights").data, placesOf(this.engine, this.expert.layers), this.expert, gradient);
    return { loss: loss + more, gradient };
  }

  // ---- predicting -----------------------------------------------------------------------------------------------------

  /** Predictions for X through the loss's link: {data, shape: [n, outputs]}. */
  forward(X) {
    const x = this.#inputsOf(X);
    const n = x.shape[0];
    const out = new this.numbers(n * this.outputs);
    const ids = this.#inputs;
    for (let at = 0; at < n; at += CHUNK) {
      const count = Math.min(CHUNK, n - at);
      const rows = x.data.subarray(at * ids, (at + count) * ids);
      this.#call([rows], out.subarray(at * this.outputs, (at + count) * this.outputs), (learner, [px], p) =>
        this.core.calls.js_forward(learner, px, count, ids, p),
      );
    }
    return { data: out, shape: [n, this.outputs] };
  }

  /** Predictions for X: numbers with one output, numbers of classes for cross_entropy and hinge, else {data, shape}. */
  predictMany(X) {
    const { data, shape } = this.forward(X);
    const [n, k] = shape;
    if (k === 1 || !NUMBERED.includes(this.expert.loss.name)) return this.#shaped(data, n);
    return Int32Array.from({ length: n }, (_, i) => {
      let best = 0;
      for (let j = 1; j < k; j++) if (data[i * k + j] > data[i * k + best]) best = j;
      return best;
    });
  }

  /** Predict one row of numbers: a number, the number of a class, or an array. */
  predictOne(x) {
    const predicted = this.predictMany(rowOf(x));
    return predicted.shape ? predicted.data : predicted[0];
  }

  /** Probabilities of one row, or its values. */
  predictProbaOne(x) {
    return this.forward(rowOf(x)).data;
  }

  #shaped(data, n) {
    return this.outputs === 1 ? data : { data, shape: [n, this.outputs] };
  }

  /** Call the core with copies of arrays, and fetch what it wrote. */
  #call(blocks, out, call) {
    const { core, engine } = this;
    const taken = [];
    engine.enter();
    try {
      for (const block of blocks) taken.push(core.copied(block));
      const p = core.take(out.byteLength);
      taken.push(p);
      core.check(call(engine.learner, taken, p));
      out.set(new this.numbers(core.memory.buffer, p, out.length));
    } finally {
      engine.core.leave();
      for (const at of taken) core.free(at);
    }
    engine.refresh();
  }

  // ---- what comes in --------------------------------------------------------------------------------------------------

  #table(X, at, help) {
    const { data, shape } = tableOf(X, at, help);
    const plain = data instanceof this.numbers || data.every((x) => typeof x === "number" || typeof x === "boolean");
    if (!plain) throw new DataError({ expected: "an array of numbers", got: "other values", at, help });
    return { data: data instanceof this.numbers ? data : this.numbers.from(data), shape };
  }

  #inputsOf(X) {
    const x = this.#table(X, "X", "Use Classifier or Regressor.");
    if (this.engine === null) this.build(x.shape[1]);
    const [first] = this.expert.layers;
    if (x.shape[1] !== this.#inputs) {
      const help = "A Classifier grows.";
      throw new DataError({ expected: `${this.#inputs} inputs`, got: String(x.shape[1]), at: "X", help });
    }
    if (first.class !== "Embedding") return x;
    for (const id of x.data) {
      if (id >= 0 && id < first.rows && Number.isInteger(id)) continue;
      const help = "Give it more rows.";
      throw new DataError({ expected: `ids from 0 to ${first.rows - 1}`, got: short(id), at: "X", help });
    }
    return x;
  }

  #answersOf(y, n) {
    const { outputs } = this;
    const { name } = this.expert.loss;
    const answers = this.#table(y, "y", "Number the classes from 0, or use Classifier.");
    const widths = NUMBERED.includes(name) ? [...new Set([1, outputs])] : [outputs];
    if (answers.shape[0] !== n || !widths.includes(answers.shape[1])) {
      const expected = `${n} answers of ${widths.join(" or ")} number(s)`;
      throw new DataError({ expected, got: `shape [${answers.shape}]`, at: "y", help: "Give one answer a row of X." });
    }
    if (!answers.data.every(Number.isFinite)) {
      throw new DataError({ expected: "finite answers", got: "nan or inf", at: "y", help: "Drop these rows." });
    }
    const numbered = NUMBERED.includes(name) && answers.shape[1] === 1 && outputs > 1;
    const [low, high] = numbered ? [0, outputs - 1] : (RANGES[name] ?? [-Infinity, Infinity]);
    const wrong = answers.data.find((x) => !(x >= low && x <= high) || (numbered && !Number.isInteger(x)));
    if (wrong === undefined) return answers;
    const span = high < Infinity ? `from ${short(low)} to ${short(high)}` : `of ${short(low)} or more`;
    const help = numbered ? "Number the classes from 0." : `The loss ${name} has no minimum outside.`;
    throw new DataError({ expected: `${numbered ? "classes" : "answers"} ${span}`, got: short(wrong), at: "y", help });
  }

  #weightsOf(w, n) {
    if (w === undefined || w === null) return new this.numbers(n).fill(1);
    const { data, shape } = this.#table(w, "w", "Give one weight a row.");
    if (shape[0] === n && shape[1] === 1 && data.every((x) => x >= 0 && x <= 1e15)) return data;
    const got = shape[0] === n && shape[1] === 1 ? "other numbers" : `shape [${shape}]`;
    throw new DataError({ expected: `${n} weights from 0 to 1e+15`, got, at: "w", help: "Give one weight a row." });
  }

  // ---- state ----------------------------------------------------------------------------------------------------------

  digest() {
    return this.engine?.digest() ?? 0n;
  }

  array(name) {
    return this.engine?.array(name) ?? null;
  }

  /** Write numbers into an array of the state, as many as it has. */
  write(name, numbers) {
    this.core.overwrite(this.#made().engine.learner, name, numbers);
  }

  /** One line on what it is, which console.log prints too. */
  toString() {
    return this.engine?.at === 0 ? "Network(freed)" : `Network(layers: ${this.settings.layers.length}, inputs: ${this.#inputs})`;
  }

  [INSPECT]() {
    return this.toString();
  }

  free() {
    this.engine?.free();
  }

  /** Return the file that Python's save writes, as bytes. */
  save() {
    const inputs = this.#image ?? (this.#inputs || null);
    const { layers, ...rates } = this.settings;
    const settings = settingsAsJson({ ...{ loss: null, optimizer: null }, ...rates, layers, inputs });
    const order = ["loss", "optimizer", "l1", "l2", "clip_norm", "clip_value", "layers", "seed", "dtype", "inputs"];
    const own = Object.fromEntries(order.map((name) => [name, settings[name]]));
    return sealed({ learner: "Network", settings: own, shuffle: this.#shuffle }, this.engine ? statesOf(this.engine) : []);
  }
}

/** Check what a network of a fixed shape is made from. */
function checkExpert({ layers, loss }) {
  if (!layers.length) {
    const help = "Put {name: 'dense', units} first.";
    throw new ConfigError({ expected: "dense, embedding or conv as first layer", got: "no layer", at: "layers", help });
  }
  const last = layers.at(-1);
  if (loss.name === "cross_entropy" && outputsOf({ layers }) === 1) {
    const expected = "an output for each class, so 2 or more";
    const help = "Use binary_cross_entropy.";
    throw new ConfigError({ expected, got: "1", at: "layers", help });
  }
  const named = last.class === "Dense" ? last.activation : last.class === "Activation" ? last.name : "";
  if (loss.name !== "binary_cross_entropy" || named !== "sigmoid") return;
  const expected = "a last layer without activation, since binary_cross_entropy applies the sigmoid";
  const help = "Make the last layer {name: 'dense', units: 1}.";
  throw new ConfigError({ expected, got: "'sigmoid'", at: "layers", help });
}

/** Return a row as a matrix of one. */
function rowOf(x) {
  if (isMany(x)) return { data: x, shape: [1, x.length] };
  throw new DataError({ expected: "an array of numbers", got: kindOf(x), at: "x", help: "Give e.g. [0.5, 1]." });
}

/** Return numbers and shape of a matrix {data, shape}, of rows in a list, or of one column. */
function tableOf(X, at, help) {
  const got = (what) => new DataError({ expected: `${at} of shape [rows, columns]`, got: what, at, help });
  if (isMany(X)) {
    if (!Array.isArray(X) || !X.some(isMany)) return { data: X, shape: [X.length, 1] };
    const width = X[0]?.length;
    if (!X.every((row) => isMany(row) && row.length === width)) throw got("rows of different lengths");
    return { data: X.flatMap((row) => Array.from(row)), shape: [X.length, width] };
  }
  const { data, shape } = X ?? {};
  if (!isMany(data) || !Array.isArray(shape)) throw got(kindOf(X));
  const [n, d = 1] = shape;
  const fits = shape.length <= 2 && [n, d].every((size) => Number.isInteger(size) && size >= 0) && n * d === data.length;
  if (!fits) throw got(`${data.length} numbers of shape [${shape}]`);
  return { data, shape: [n, d] };
}
