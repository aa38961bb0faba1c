// A second look at a net, as Python's nn/inspect.py takes it: values and deltas of every layer, for one sample, in float64.

import { OPERATION, SHAPE, withRoom } from "../learners/descent.mjs";

const [DENSE, ACTIVATION, DROPOUT, LAYER_NORM, CELL_TABLES] = [0, 2, 3, 4, 6];
const EXPERT = { count: 15, weight: 10 }; // running numbers of an expert, and its weight in the mixture
const PAST = { answers: 0, last: 1, mean: 5, spread: 6, product: 7, miss: 8, repeats: 9 }; // of numbers: as in core/learner.h
const LAG_COLUMNS = ["last answer", "answer 2 before", "answer 3 before", "mean answer"];
const HISTORY = { last: 0, stay: 1, followers: 3, trust: 5, counted: 1000 }; // places and constants of the label history
const [OUTPUT_CAPACITY, LIMIT, BATCH_EPS, MOST_DEVIATIONS] = [17, 30, 1e-5, 10];
const MIXED_LOGITS = 1; // the kind of mixture whose logits are added up

const clip = (x, low, high) => Math.min(Math.max(x, low), high);
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const sigmoid = (x) => (x >= 0 ? 1 : Math.exp(x)) / (1 + Math.exp(-Math.abs(x)));
const [SELU, SELU_ALPHA] = [1.0507009873554805, 1.6732632423543772];
const elu = (x, a) => (x > 0 ? x : a * Math.expm1(x));
const cdf = (x, _, erf) => 0.5 * (1 + erf(x * Math.SQRT1_2));

/** Each activation f(x, a, erf), and its slope by x, y = f(x) and a. */
const FUNCTIONS = {
  identity: [(x) => x, () => 1],
  relu: [(x) => Math.max(x, 0), (x) => Number(x > 0)],
  leaky_relu: [(x, a) => (x > 0 ? x : a * x), (x, y, a) => (x > 0 ? 1 : a)],
  sigmoid: [sigmoid, (x, y) => y * (1 - y)],
  tanh: [Math.tanh, (x, y) => 1 - y * y],
  elu: [elu, (x, y, a) => (x > 0 ? 1 : y + a)],
  selu: [(x) => SELU * elu(x, SELU_ALPHA), (x, y) => (x > 0 ? SELU : y + SELU * SELU_ALPHA)],
  gelu: [
    (x, a, erf) => x * cdf(x, a, erf),
    (x, y, a, erf) => cdf(x, a, erf) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
  ],
  silu: [(x) => x * sigmoid(x), (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x)))],
  softplus: [(x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), sigmoid],
  hard_tanh: [(x) => clip(x, -1, 1), (x) => Number(Math.abs(x) < 1)],
};

/** Each link p(z), and the derivative by z, given p and the one by p. */
const LINKS = {
  identity: [(z) => z, (p, dp) => dp],
  binary_cross_entropy: [(z) => z.map((x) => sigmoid(clip(x, -LIMIT, LIMIT))), (p, dp) => p.map((x, j) => dp[j] * x * (1 - x))],
  poisson: [(z) => z.map((x) => Math.exp(clip(x, -LIMIT, LIMIT))), (p, dp) => p.map((x, j) => dp[j] * x)],
  cross_entropy: [softmax, (p, dp) => p.map((x, j) => x * (dp[j] - sum(p.map((own, i) => own * dp[i]))))],
};

function softmax(z) {
  const most = Math.max(...z);
  const e = z.map((x) => Math.exp(Math.max(x - most, -2 * LIMIT)));
  const all = sum(e);
  return e.map((x) => x / all);
}

/** What a learner's engine holds, copied once. */
export class Inspection {
  constructor(engine, experts) {
    const { core } = engine;
    this.core = core;
    this.engine = engine;
    this.p = engine.array("weights").data;
    this.running = engine.array("running").data;
    withRoom(core, SHAPE.size + OPERATION.size, (at) => {
      core.calls.hw_describe(engine.learner, at);
      const view = new DataView(core.memory.buffer, at, SHAPE.size);
      const flag = (name) => view.getInt32(SHAPE[name], true);
      for (const name of ["targets", "history", "mixture", "tables", "tests", "outputs"]) this[name] = flag(name);
      const [dense, stride] = ["dense", "stride"].map((name) => Number(view.getBigInt64(SHAPE[name], true)));
      this.experts = experts.map((_, e) => this.expert(e, { dense, stride, hasBias: flag("bias") }, at + SHAPE.size));
    });
    this.links = experts.map(({ loss, log_link }) => (log_link ? this.logLink() : (LINKS[loss.name] ?? LINKS.identity)));
    this.past = this.historyLogits();
  }

  /** Where the columns of an expert lie in a row of the table, and its operations behind them. */
  expert(e, { dense, stride, hasBias }, at) {
    const { core, engine } = this;
    core.check(core.calls.hw_columns_of(engine.learner, e, at, at + 4));
    const [first, width] = new Int32Array(core.memory.buffer, at, 2);
    const all = Array.from({ length: core.calls.hw_operations(engine.learner, e) }, (_, o) => this.operation(e, o, at));
    const cells = this.tests ? all.find(({ kind }) => kind === CELL_TABLES) : undefined;
    const own = { at: dense + first, stride, m: width, hasBias };
    return { ...own, cells, operations: all.filter(({ kind }) => kind !== CELL_TABLES) };
  }

  operation(e, o, at) {
    const { core, engine } = this;
    core.check(core.calls.hw_operation_at(engine.learner, e, o, at));
    const view = new DataView(core.memory.buffer, at, OPERATION.size);
    const [kind, code, n, m] = ["kind", "code", "n", "m"].map((name) => view.getInt32(OPERATION[name], true));
    const [weights, stride, bias, buffer] = ["weights", "stride", "biasAt", "buffer"].map((name) =>
      Number(view.getBigInt64(OPERATION[name], true)),
    );
    return { kind, n, m, weights, stride, bias, buffer, a: view.getFloat64(OPERATION.constant, true), f: this.functions(kind, code) };
  }

  functions(kind, code) {
    if (kind !== ACTIVATION) return null;
    const [value, slope] = FUNCTIONS[this.core.listed("hw_activations")[code]];
    const erf = this.core.calls.js_erf;
    return [(x, a) => value(x, a, erf), (x, y, a) => slope(x, y, a, erf)];
  }

  // ---- the first layer ------------------------------------------------------------------------------------------------

  /** Row r of the table, as far as expert e has columns in it; row 0 is the bias. */
  row(e, r) {
    const { at, stride, m } = this.experts[e];
    return this.p.subarray(at + r * stride, at + r * stride + m);
  }

  /** What cell table t adds to the first layer of expert e, by the cells of a sample. */
  added(e, cells, t) {
    const { cells: own } = this.experts[e];
    const at = own.weights + ((t << this.tests) + cells[t]) * own.stride;
    return Float64Array.from(this.p.subarray(at, at + own.m), (w) => w * Math.sqrt(20 / this.tables));
  }

  /** The first layer of expert e: z = b + Σ value·W[row], and what the cells add. */
  read(e, { rows, values, cells }) {
    const { m, hasBias, cells: own } = this.experts[e];
    const z = hasBias ? Float64Array.from(this.row(e, 0)) : new Float64Array(m);
    const add = (w, x) => w.forEach((number, j) => (z[j] += x * number));
    rows.forEach((r, i) => add(this.row(e, r), values[i]));
    if (own && cells) for (let t = 0; t < this.tables; t++) add(this.added(e, cells, t), 1);
    return z;
  }

  // ---- the layers behind ----------------------------------------------------------------------------------------------

  /** The values before each operation of expert e, beginning with z, and last its logits; `state`: what rows before add. */
  forward(e, z, state) {
    const values = [z];
    for (const operation of this.experts[e].operations) values.push(this.through(operation, values.at(-1), state));
    return values;
  }

  through(operation, x) {
    const { kind, n, m, weights, stride, bias, a, f } = operation;
    if (kind === DROPOUT) return x;
    if (kind === ACTIVATION) return x.map((one) => f[0](one, a));
    if (kind !== DENSE) {
      const { centre, scale, gain, shift } = this.normalisation(operation, x);
      return x.map((one, j) => (one - centre[j]) * scale[j] * gain[j] + shift[j]);
    }
    const y = bias < 0 ? new Float64Array(m) : Float64Array.from(this.p.subarray(bias, bias + m));
    for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) y[j] += x[i] * this.p[weights + i * stride + j];
    return y;
  }

  /** The derivatives by the values before each operation, and last by the logits, which are given. */
  backward(e, values, delta) {
    return this.experts[e].operations.reduceRight((deltas, operation, i) => [this.back(operation, values[i], values[i + 1], deltas[0]), ...deltas], [delta]);
  }

  back(operation, x, y, dy) {
    const { kind, n, m, weights, stride, a, f } = operation;
    if (kind === DROPOUT) return dy;
    if (kind === ACTIVATION) return dy.map((d, j) => d * f[1](x[j], y[j], a));
    if (kind === DENSE) {
      return Float64Array.from({ length: n }, (_, i) => {
        let slope = 0;
        for (let j = 0; j < m; j++) slope += dy[j] * this.p[weights + i * stride + j];
        return slope;
      });
    }
    const { centre, scale, gain } = this.normalisation(operation, x);
    const u = dy.map((d, j) => d * gain[j]);
    if (kind !== LAYER_NORM) return u.map((d, j) => d * scale[j]);
    const scaled = x.map((one, j) => (one - centre[j]) * scale[j]);
    const [mean, along] = [sum(u) / m, sum(u.map((d, j) => d * scaled[j])) / m];
    return u.map((d, j) => (d - mean - scaled[j] * along) * scale[j]);
  }

  /** Centre, scale, gain and shift of a normalisation, each of m numbers. */
  normalisation({ m, weights, bias, buffer, a }, x) {
    const [gain, shift] = weights < 0 ? [x.map(() => 1), x.map(() => 0)] : [weights, bias].map((at) => this.p.subarray(at, at + m));
    if (buffer >= 0) {
      const { data } = this.engine.array("buffer");
      const scale = data.slice(buffer + m, buffer + 2 * m);
      return { centre: data.slice(buffer, buffer + m), scale: Float64Array.from(scale, (v) => 1 / Math.sqrt(v + BATCH_EPS)), gain, shift };
    }
    const mean = sum(x) / m;
    const variance = sum(x.map((one) => (one - mean) ** 2)) / m;
    return { centre: x.map(() => mean), scale: x.map(() => 1 / Math.sqrt(variance + a)), gain, shift };
  }

  // ---- the mixture ----------------------------------------------------------------------------------------------------

  weight(e) {
    return this.running[e * EXPERT.count + EXPERT.weight];
  }

  /** What an expert with a log link predicts, in deviations of the answer: m·(e^(z/s) − 1); see plain/mixture.py. */
  logLink() {
    const [own, variance] = this.engine.array("answers").data;
    const mean = variance > 1e-300 ? Math.max(own, 0) / Math.sqrt(variance) : 0;
    const s = Math.max(mean / 2, 1);
    return [
      (z) => z.map((x) => clip(mean * (Math.exp(clip(x / s, -LIMIT, LIMIT)) - 1), -MOST_DEVIATIONS, MOST_DEVIATIONS)),
      (p, dp) => p.map((x, j) => (Math.abs(x) < MOST_DEVIATIONS ? (dp[j] * (x + mean)) / s : 0)),
    ];
  }

  /** The mixture of the experts' logits: link(Σ w·z) of classes, else Σ w·link(z). */
  mix(z) {
    const total = Float64Array.from(this.past);
    z.forEach((own, e) => {
      const said = this.mixture === MIXED_LOGITS ? own : this.links[e][0](own);
      for (let j = 0; j < total.length; j++) total[j] += this.weight(e) * said[j];
    });
    return this.mixture === MIXED_LOGITS ? this.links[0][0](total) : total;
  }

  /** The derivative by each expert's logits z, given the mixture p and the one by it. */
  mixBackward(z, p, delta) {
    const scaled = (e, numbers) => numbers.map((d) => this.weight(e) * d);
    if (this.mixture !== MIXED_LOGITS) return z.map((own, e) => this.links[e][1](this.links[e][0](own), scaled(e, delta)));
    const common = this.links[0][1](p, delta);
    return z.map((_, e) => scaled(e, common));
  }

  /** What the label history adds to the mixture now. */
  historyLogits() {
    const k = this.outputs;
    const z = new Float64Array(k);
    const past = this.history ? this.engine.array("label_history").data : [-1];
    const [last, stay] = [past[HISTORY.last], past[HISTORY.stay]];
    if (this.history && this.targets) {
      const [mean, variance] = this.engine.array("answers").data;
      if (variance > 1e-300) z[0] = clip((past[PAST.miss] - mean) / Math.sqrt(variance), -10, 10);
    } else if (last >= 0) {
      const at = HISTORY.followers + last * Number(this.engine.array("sizes").data[OUTPUT_CAPACITY]);
      const counts = past.length > HISTORY.followers && k <= HISTORY.counted ? past.slice(at, at + k) : z.slice();
      const all = HISTORY.trust + sum(counts);
      for (let j = 0; j < k; j++) {
        const prior = j === last ? stay : (1 - stay) / Math.max(k - 1, 1);
        z[j] = Math.log((HISTORY.trust * prior + counts[j]) / all);
      }
    }
    const weight = this.running.at(EXPERT.weight - EXPERT.count);
    return z.map((x) => weight * x);
  }

  /** The columns that answers before are read as, with what they say now: of a regressor with label history. */
  answersBefore() {
    if (!(this.history && this.targets)) return [];
    const past = this.engine.array("label_history").data;
    const known = [0, 1, 2, 0].map((needed) => past[PAST.answers] > needed);
    return LAG_COLUMNS.map((name, i) => [name, past[PAST.last + i]]).filter((_, i) => known[i]);
  }

  /** a and b of a regressor's prediction a + b·output; atMean: as if the last answer had been the mean of all. */
  answerUnits(atMean = false) {
    if (!this.targets) return [0, 1];
    const [mean, variance] = this.engine.array("answers").data;
    const scale = Math.sqrt(variance);
    if (!this.history) return [mean, scale];
    const past = this.engine.array("label_history").data;
    if (!past[PAST.answers]) return [0, scale];
    const { spread } = PAST;
    const bound = 10 * Math.sqrt(past[spread]);
    const far = past[PAST.last] - past[PAST.mean];
    const d = atMean ? 0 : past[PAST.answers] > 10 && past[spread] > 0 ? clip(far, -bound, bound) : far;
    const rho = past[spread] > 1e-300 ? clip(past[PAST.product] / past[spread], 0, 1) : 0;
    const share = variance > 1e-300 ? past[PAST.repeats] : 0;
    return [past[PAST.mean] + (1 - share) * (rho * d + mean) + share * d, (1 - share) * scale];
  }

  /** What the experts predict together, by their first layers and the state. */
  predict({ first, state }) {
    return this.mix(first.map((z, e) => this.forward(e, z, state).at(-1)));
  }
}
