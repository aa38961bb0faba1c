// One playground: a small net, the stream that it learns, and all that a page shows of them.
import { bytes, grid, inputsOf, signed } from "./features.js";
import { Inspector, plain, sums } from "./inspect.js";
import { PLANES } from "./planes.js";
import { Scores, judged } from "./scores.js";
import { Stream } from "./stream.js";
import { Unusable, tableOf } from "./table.js";

const SURFACE = grid(64);
const UNIT = grid(24);
const SHOWN = 200; // points
const JUMP = 0.5; // of the angle: another concept
const UNDONE = 3; // place in the running numbers (headwater.h)

/** The net for some settings, and that many classes (0: regression). */
function network(hw, play, classes) {
  const layers = play.hidden.flatMap((units) => {
    const dense = { name: "dense", units, activation: play.activation };
    return play.dropout ? [dense, { name: "dropout", rate: play.dropout }] : [dense];
  });
  return new hw.Network({
    layers: [...layers, { name: "dense", units: classes > 2 ? classes : 1 }],
    loss: { 0: "mse", 2: "binary_cross_entropy" }[classes] ?? "cross_entropy",
    optimizer: play.optimizer === "cocob" ? "cocob" : { name: play.optimizer, lr: play.lr },
    ...{ l1: play.l1, l2: play.l2, seed: play.seed, inputs: play.features.length },
  });
}

/** Give a net the weights of another of its shape and, under the same rule, its state. */
function carry(from, to) {
  to.setLayers(from.layers);
  if (from.expert.optimizer.class !== to.expert.optimizer.class || from.array("weights").data.length !== to.array("weights").data.length) return;
  const states = [0, 1, 2, 3, 4].map((k) => `state_${k}`).filter((name) => from.array(name)?.data.length);
  for (const name of [...states, "running", "touched"]) to.write(name, from.array(name).data);
}

const same = (one, other, names) => names.every((name) => JSON.stringify(one[name]) === JSON.stringify(other[name]));

export class Playground {
  #csv = "";
  #owed = 0;
  #grids = new Map();

  constructor(hw, settings, csv) {
    this.hw = hw;
    this.#set(settings, null, csv);
    this.#begin();
  }

  // ---- settings -------------------------------------------------------------------------------------------------------

  /** Go on with other settings: a net of the same shape keeps its weights, and under the same rule its state. */
  change(settings, csv) {
    const { play, classes, net, stream } = this;
    this.#set(settings, play, csv);
    if (classes.length === this.classes.length && same(play, this.play, ["features", "hidden", "activation", "seed"])) {
      carry(net, this.net);
      if (this.stream !== stream) this.marks.push(this.n);
    } else this.#begin();
    net.free();
  }

  /** Begin again, with the same first weights and the same points. */
  reset() {
    const { net } = this;
    this.#set(this.play, null);
    this.#begin();
    net.free();
  }

  /** Make net and stream of some settings, which follow old ones; nothing is changed until both are there. */
  #set(play, old, csv) {
    const text = csv ?? this.#csv;
    const goesOn = old && csv === undefined && same(play, old, ["data", "columns", "seed", "points"]);
    const stream = goesOn ? this.stream : new Stream(this.#source(play, text), play.seed, play.points);
    const { classes } = stream.source;
    const [net, inspector] = [network(this.hw, play, classes.length), new Inspector(this.hw, play)];
    this.inspector?.free();
    Object.assign(this, { play, net, inspector, classes, stream });
    this.#csv = text;
    stream.turn(play.drift, play.every);
  }

  #source({ data, columns }, text) {
    if (data !== "csv") return PLANES[data];
    if (!text) throw new Unusable("csv_empty");
    return tableOf(text, columns);
  }

  /** Forget what was scored and shown. */
  #begin() {
    Object.assign(this, { n: 0, updates: 0, fresh: true, angle: this.stream.angle, points: [], last: [], marks: [], fits: [] });
    this.scores = new Scores(this.classes.length);
    this.#owed = 0;
  }

  // ---- learning -------------------------------------------------------------------------------------------------------

  /** Predict and learn that many samples, as far as they fill whole batches. */
  run(rows) {
    const batch = this.#batch();
    this.#owed += rows;
    const whole = batch === 1 ? Math.floor(this.#owed) : Math.floor(this.#owed / batch) * batch;
    this.#owed -= whole;
    for (let at = 0; at < whole; at += batch === 1 ? whole : batch) this.#learn(this.#take(batch === 1 ? whole : batch), batch !== 1);
  }

  /** Samples in a step. */
  #batch() {
    return this.play.batch || this.stream.set?.length || this.stream.source.rows?.length || 1;
  }

  #take(n) {
    const { stream, play } = this;
    return Array.from({ length: n }, (_, i) => {
      const { angle } = stream;
      if (Math.abs(angle - this.angle) > JUMP) this.marks.push(this.n + i);
      this.angle = angle;
      return stream.take(play.noise);
    });
  }

  #learn(points, whole = false) {
    const inputs = inputsOf(points, this.play.features), y = Float64Array.from(points, (point) => point[2]), k = this.net.outputs;
    const made = whole ? this.net.forward(inputs).data : this.net.learnMany(inputs, y);
    const predictions = made.data ?? made;
    if (whole) this.net.learnBatch(inputs, y);
    points.forEach((point, i) => this.scores.take(predictions.subarray(i * k, (i + 1) * k), point[2]));
    this.n += points.length;
    this.updates += whole ? 1 : points.length;
    this.points = [...this.points, ...points].slice(-SHOWN);
    this.last = [...this.last, ...points].slice(-SHOWN);
  }

  /** Learn one sample, and return the four steps with their numbers: forward pass, loss, gradient, update. */
  step() {
    const [point] = this.#take(1), { net } = this;
    const f = inputsOf([point], this.play.features), y = [point[2]];
    const layers = net.layers, gradients = net.layerGradients(f, y);
    const outputs = [f, ...this.inspector.outputs(layers, f)].map(({ data }) => Array.from(data));
    const before = { x: point.slice(0, 2), features: outputs[0], y: point[2], prediction: Array.from(net.forward(f).data), loss: net.loss(f, y) };
    const undone = net.array("running").data[UNDONE];
    this.#learn([point]);
    const after = net.layers.map(plain);
    const shown = layers.map((layer, l) => {
      const z = sums(layer, outputs[l]), { w, b } = plain(layer), { w: gw, b: delta } = plain(gradients[l]);
      return { z, a: outputs[l + 1] ?? z, delta, w, b, gw, w_after: after[l].w, b_after: after[l].b };
    });
    return { ...before, layers: shown, prediction_after: Array.from(net.forward(f).data), loss_after: net.loss(f, y), undone: net.array("running").data[UNDONE] > undone };
  }

  /** Give one weight another value; i = −1 is the bias. */
  weigh({ l, i, j, value }) {
    const { layers } = this.net, { weights, bias } = layers[l];
    if (i < 0) bias[j] = value;
    else weights.data[i * weights.shape[1] + j] = value;
    this.net.setLayers(layers);
  }

  /** Predictions for points. */
/** How the columns of one's own file are read. */
  look() { return this.stream.source.looked ?? []; }

  predict(points) {
    return Array.from(this.net.forward(inputsOf(points, this.play.features)).data);
  }

  // ---- what is shown --------------------------------------------------------------------------------------------------

  /** All that the page shows now; points, curves and marks only as far as they are new. */
  frame() {
    const layers = this.net.layers, { classes, stream, play } = this;
    const fit = this.#fit();
    if (this.n !== this.fits.at(-1)?.[0]) this.fits.push([this.n, fit.train?.loss ?? NaN, fit.test.loss]);
    const frame = {
      n: this.n, updates: this.updates, fresh: this.fresh, classes, angle: stream.angle, ...this.#maps(layers), layers: layers.map(({ weights: { data, shape }, bias }) => ({ w: data, n: shape[0], m: shape[1], b: bias })),
      points: this.points, curve: this.scores.curve, fits: this.fits.slice(this.fresh ? 0 : 1), marks: this.marks, scores: this.scores.now(), fit, table: stream.source.about ?? null,
      training: this.fresh || play.noise !== this.sent ? stream.training(play.noise) : undefined, test: stream.test(play.noise, stream.angle),
    };
    Object.assign(this, { points: [], marks: [], fits: this.fits.slice(-1), fresh: false, sent: play.noise });
    this.scores.curve = [];
    return frame;
  }

  /** How the net does on what it learned from, on points held out, and on those of the concept that it learned first. */
  #fit() {
    const { stream, play } = this, train = stream.training(play.noise) ?? this.last;
    const moved = Math.abs(stream.angle % (2 * Math.PI)) > JUMP;
    return {
      train: train.length ? this.#measured(train) : null,
      test: this.#measured(stream.test(play.noise, stream.angle)),
      first: moved ? this.#measured(stream.test(play.noise, 0)) : null,
    };
  }

  #measured(points) {
    const { data, shape: [n, k] } = this.net.forward(inputsOf(points, this.play.features));
    let loss = 0, right = 0;
    points.forEach((point, i) => {
      const one = judged(data.subarray(i * k, (i + 1) * k), point[2], this.classes.length);
      loss += one.loss;
      right += one.right;
    });
    return { loss: loss / n, accuracy: this.classes.length ? right / n : null };
  }

  /** The net's output, and that of each unit, over the plane; and the share of saturated outputs. */
  #maps(layers) {
    const k = this.net.outputs, { data } = this.net.forward(this.#inputs(SURFACE));
    const [scale, shift] = this.classes.length ? [2, -1] : [1, 0]; // a probability of ½ lies in the middle
    const surface = Array.from({ length: k }, (_, j) => bytes(data, { scale, shift, j, k }));
    const outputs = this.inspector.outputs(layers, this.#inputs(UNIT));
    const units = outputs.map(({ data: values, shape: [, m] }) => Array.from({ length: m }, (_, j) => signed(values, j, m)));
    return { surface, units, saturated: this.inspector.saturated(outputs) };
  }

  /** The inputs of a grid, which stay while the features do. */
  #inputs(points) {
    const key = `${points.length} ${this.play.features}`;
    if (!this.#grids.has(key)) this.#grids.set(key, inputsOf(points, this.play.features));
    return this.#grids.get(key);
  }
}
