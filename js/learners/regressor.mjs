// The regressor: its answers are numbers.

import { Engine } from "./engine.mjs";
import { ConfigError, shown } from "../errors.mjs";
import { explained, noTarget } from "../explain/explain.mjs";
import { FARTHEST, answersOf, numberOf, refuse, weightOf, weightsOf } from "../rows/guards.mjs";
import { Learner } from "./learner.mjs";
import { modelBytes } from "../file/model.mjs";
import { rowsOf } from "../rows/rows.mjs";
import { asLoss } from "../declare/declare.mjs";
import { SETTINGS } from "../declare/declared.mjs";
import { PEARSON, SCALED, settingsOf, setupOf, withMade } from "../declare/setup.mjs";
import { checkSample } from "../rows/values.mjs";

const STANDARDISED = ["mse", "mae", "huber", "quantile"]; // losses for answers of any size
const WINDOW = 1000; // scores that are kept for intervals

export class Regressor extends Learner {
  #least;
  #most;
  #cold;

  constructor(core, given = {}, kept = {}) {
    const settings = settingsOf(given, { ...SETTINGS, loss: "huber" }, "Regressor");
    const { name } = asLoss(settings.loss);
    const targets = STANDARDISED.includes(name);
    const setup = setupOf(settings, "Regressor", [...STANDARDISED, "poisson"], { targets, intervals: targets ? SCALED : PEARSON });
    super(core, withMade(settings), setup, kept);
    // an answer of Poisson's is a count up to what its link can say, e³⁰, and its net at rest says e⁰
    const counts = name === "poisson";
    [this.#least, this.#most, this.#cold] = counts ? [0, Math.exp(30), 1] : [-FARTHEST, FARTHEST, 0];
  }

  // ---- one sample -----------------------------------------------------------------------------------------------------

  /** Predict the answer of a sample; before the first was learned 0, or 1 with "poisson". */
  predictOne(x) {
    checkSample(x);
    return this.#predict(x);
  }

  /** Predict an interval that holds the answer of a sample in that share of cases: [lower, upper]. */
  predictIntervalOne(x, coverage = 0.9) {
    checkSample(x);
    const ends = this.#quantiles(coverage);
    const { core } = this;
    core.doubles[core.staging / 8] = 1;
    const predicted = this.#predict(x, core.staging);
    const width = core.doubles[core.staging / 8];
    const [lower, upper] = ends.map((end) => predicted + (Number.isFinite(end) ? width * end : end));
    return [Math.max(lower, this.#least < 0 ? -Infinity : 0), upper];
  }

  /** Say how much each feature moved the prediction: {method}, as in Python; `contributions` is a Map. */
  explainOne(x, { target = null, ...options } = {}) {
    checkSample(x);
    if (target !== null) throw noTarget(target);
    return explained(this, x, options, (_, net) => {
      const [offset, scale] = net.answerUnits();
      return { label: null, column: 0, sign: 1, offset, scale, direct: offset - net.answerUnits(true)[0] };
    });
  }

  /** Learn one sample. A weight of 0 adds its names and teaches nothing. */
  learnOne(x, y, w = 1) {
    checkSample(x);
    this.#learn(x, y, w);
  }

  // ---- many samples ---------------------------------------------------------------------------------------------------

  /** Learn rows strictly one by one; returns what was predicted before each was learned. */
  learnMany(X, y, w) {
    const rows = rowsOf(X);
    const answers = answersOf(y, rows.length);
    const weights = weightsOf(w, rows.length);
    return Float64Array.from({ length: rows.length }, (_, i) => {
      this.#learn(rows.at(i), answers[i], weights(i));
      return this.#lastPrediction();
    });
  }

  /** Predict the answer of each row; nothing is changed. */
  predictMany(X) {
    const rows = rowsOf(X);
    return Float64Array.from({ length: rows.length }, (_, i) => this.#predict(rows.at(i)));
  }

  // ---- the way of a row -----------------------------------------------------------------------------------------------

  #predict(x, width = 0) {
    if (this.engine === null) return this.#cold;
    this.engine.predict(x, width);
    return this.#lastPrediction();
  }

  /** The last prediction, not beyond what an answer may be: a net out of hand says nothing infinite. */
  #lastPrediction() {
    return Math.min(Math.max(this.engine.lastPrediction(0), -FARTHEST), FARTHEST);
  }

  #learn(x, y, w) {
    const weight = weightOf(w, this.refused);
    const answer = numberOf(y);
    const right = answer >= this.#least && answer <= this.#most;
    if (!right) refuse(this.refused, "target");
    this.engine ??= new Engine(this.core, this.setup);
    const good = right && weight >= 0;
    this.engine.learn(x, good ? answer : 0, good ? weight : 0, good);
  }

  /** The scores between which that share of the next ones lies, ±∞ while there are too few to tell. */
  #quantiles(coverage) {
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

  // ---- files ----------------------------------------------------------------------------------------------------------

  /** Return the file that Python's save writes, as bytes. */
  save() {
    return modelBytes("Regressor", this, []);
  }

  /** Put what was saved into it: counts and arrays. */
  restore({ refused, counts, state }) {
    this.refused = refused;
    if (state !== null) this.engine = Engine.restored(this.core, this.setup, state, counts);
  }
}
