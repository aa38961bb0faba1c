// What a saved model predicts. Those that learn build on it (learner.mjs), and so do those of which everything is there.

import { ConfigError, DataError, shown } from "../errors.mjs";
import { checkSample } from "../rows/values.mjs";
import { Engine } from "./engine.mjs";

/** What console.log asks an object for in Node, Deno and Bun. */
export const INSPECT = Symbol.for("nodejs.util.inspect.custom");
/** An answer beyond this is no answer. */
export const FARTHEST = 1e30;
const WINDOW = 1000; // scores that are kept for intervals

class Predictor {
  engine = null;
  refused = {};

  /**
   * `setup`: the loss's name, the type of numbers and, where the whole core is loaded, what declares the learner; `settings`:
   * what was declared, likewise; `kept`: what the file it came from says besides, which is written back.
   */
  constructor(core, { setup, settings = null, kept }) {
    this.core = core;
    this.settings = Object.freeze(settings);
    this.setup = setup;
    this.kept = kept;
  }

  /** The class of its engines. */
  get Engine() {
    return Engine;
  }

  /** How many rows were learned. */
  get nLearned() {
    return this.engine?.learned ?? 0;
  }

  /** The columns known so far: [{name, kind: "number", "category" or "time", mean, categories}]. */
  get columns() {
    return this.engine?.columns() ?? [];
  }

  /** What Python noted for itself in the file that this learner came from, such as the name of the target column. */
  get notes() {
    return this.kept.notes ?? {};
  }

  /** One array of the state by its name ("weights", "running"), as {name, shape, data}, a copy; null if there is none. */
  array(name) {
    return this.engine?.array(name) ?? null;
  }

  /** One line on what it is and what it knows, which console.log prints too. */
  toString() {
    if (this.engine?.at === 0) return `${this.kind}(freed)`;
    const classes = this.classes ? `, classes: ${this.classes.length}` : "";
    return `${this.kind}(rows learned: ${this.nLearned}, columns: ${this.columns.length}${classes})`;
  }

  [INSPECT]() {
    return this.toString();
  }

  /** Put what was saved into it: counts and arrays. */
  restore({ refused, counts, state }) {
    this.refused = refused;
    if (state !== null) this.engine = this.Engine.restored(this.core, this.setup, state, counts);
  }

  /** Give its memory back; it can't be used any more. */
  free() {
    this.engine?.free();
  }
}

export class ClassPredictor extends Predictor {
  kind = "Classifier";
  known = []; // the classes, in the order of their appearance

  constructor(core, parts) {
    super(core, parts);
    this.binary = parts.setup.loss === "binary_cross_entropy";
    this.sums = parts.setup.loss !== "hinge";
  }

  /** The classes seen so far, in the order of their appearance. */
  get classes() {
    return [...this.known];
  }

  /** Predict the probability of each class seen so far, as a Map; an empty one before the first. */
  predictProbaOne(x) {
    checkSample(x);
    if (this.engine === null) return new Map();
    this.engine.predict(x);
    const shares = this.shares();
    const whole = this.sums ? shares.reduce((sum, share) => sum + share, 0) : 1;
    return new Map(this.known.map((label, j) => [label, shares[j] / whole]));
  }

  /** Predict the class of a sample; null before the first is known. */
  predictOne(x) {
    checkSample(x);
    return this.predicted(x);
  }

  /** What `predictOne` says of a sample that was checked. */
  predicted(x) {
    if (this.engine === null) return null;
    this.engine.predict(x);
    return this.best();
  }

  /** The probability of each class, by the last row's predictions. */
  shares() {
    const { engine } = this;
    if (!this.binary) return Array.from(this.known, (_, j) => engine.lastPrediction(j));
    if (this.known.length < 2) return [1];
    const p = engine.lastPrediction(0);
    return [engine.wide ? 1 - p : Math.fround(1 - p), p];
  }

  /** The class of the largest, of equal ones the first seen. */
  best() {
    const shares = this.shares();
    let best = 0;
    for (let j = 1; j < shares.length; j++) if (shares[j] > shares[best]) best = j;
    return this.known[best];
  }

  restore(parts) {
    super.restore(parts);
    this.known = parts.classes;
    const outputs = this.binary ? Math.min(this.known.length, 1) : this.known.length;
    const wanted = this.engine?.outputs ?? 0;
    if (outputs !== wanted || (this.binary && this.known.length > 2)) {
      throw new DataError({ expected: `${wanted} different classes`, got: String(this.known.length) });
    }
  }
}

export class NumberPredictor extends Predictor {
  kind = "Regressor";

  constructor(core, parts) {
    super(core, parts);
    // an answer of Poisson's is a count up to what its link can say, e³⁰, and its net at rest says e⁰
    const counts = parts.setup.loss === "poisson";
    [this.least, this.most, this.cold] = counts ? [0, Math.exp(30), 1] : [-FARTHEST, FARTHEST, 0];
  }

  /** Predict the answer of a sample; before the first was learned 0, or 1 with "poisson". */
  predictOne(x) {
    checkSample(x);
    return this.predicted(x);
  }

  /** Predict an interval that holds the answer of a sample in that share of cases: [lower, upper]. */
  predictIntervalOne(x, coverage = 0.9) {
    checkSample(x);
    const ends = this.quantiles(coverage);
    const { core } = this;
    core.doubles[core.staging / 8] = 1;
    const predicted = this.predicted(x, core.staging);
    const width = core.doubles[core.staging / 8];
    const [lower, upper] = ends.map((end) => predicted + (Number.isFinite(end) ? width * end : end));
    return [Math.max(lower, this.least < 0 ? -Infinity : 0), upper];
  }

  /** What `predictOne` says of a sample that was checked. */
  predicted(x, width = 0) {
    if (this.engine === null) return this.cold;
    this.engine.predict(x, width);
    return this.last();
  }

  /** The last prediction, not beyond what an answer may be: a net out of hand says nothing infinite. */
  last() {
    return Math.min(Math.max(this.engine.lastPrediction(0), -FARTHEST), FARTHEST);
  }

  /** The scores between which that share of the next ones lies, ±∞ while there are too few to tell. */
  quantiles(coverage) {
    if (!(coverage > 0 && coverage < 1)) {
      const help = "Give e.g. 0.9.";
      throw new ConfigError({ expected: "a share between 0 and 1", got: shown(coverage), at: "coverage", help });
    }
    const scores = this.array("scores")?.data ?? [0];
    const n = Math.min(scores[0], WINDOW);
    const rank = Math.floor(Number((((n + 1) * (1 - coverage)) / 2).toFixed(9)));
    if (rank < 1) return [-Infinity, Infinity];
    const kept = scores.slice(1, n + 1).sort();
    return [kept[rank - 1], kept[n - rank]];
  }
}
