// The classifier: its classes appear as the stream shows them.

import { Engine } from "./engine.mjs";
import { DataError, TargetError, shown } from "../errors.mjs";
import { explained } from "../explain/explain.mjs";
import { answersOf, refuse, weightOf, weightsOf } from "../rows/guards.mjs";
import { Learner } from "./learner.mjs";
import { modelBytes } from "../file/model.mjs";
import { rowsOf } from "../rows/rows.mjs";
import { SETTINGS } from "../declare/declared.mjs";
import { settingsOf, setupOf, withMade } from "../declare/setup.mjs";
import { checkSample } from "../rows/values.mjs";

const RARE = -6; // the bias of a class that appears later is ln(1/(t + k)), but not below this
const OWN_LOSSES = ["cross_entropy", "binary_cross_entropy", "hinge"];

/** Return what a class is looked up by: as in Python, 1, 1n and true are the same one. */
function keyOf(label) {
  if (typeof label === "string") return label;
  if (label instanceof Uint8Array) return `\0bytes ${label}`;
  if (Array.isArray(label)) return `\0tuple ${label.map((part) => `${typeof part} ${keyOf(part)}`).join("\0")}`;
  const number = Number(label);
  return typeof label === "bigint" && !Number.isSafeInteger(number) ? `\0int ${label}` : number;
}

/** Say whether a value can be a class: a text, a number, true or false; bytes, or an array of such (in Python a tuple). */
function isLabel(label) {
  switch (typeof label) {
    case "string":
    case "boolean":
    case "bigint":
      return true;
    case "number":
      return label === label;
    default:
      return label instanceof Uint8Array || (Array.isArray(label) && label.every((part) => part === null || isLabel(part)));
  }
}

export class Classifier extends Learner {
  #binary;
  #sums;
  #index = new Map();
  #classes = [];

  constructor(core, given = {}, kept = {}) {
    const settings = settingsOf(given, { ...SETTINGS, loss: "cross_entropy" }, "Classifier");
    const setup = setupOf(settings, "Classifier", OWN_LOSSES);
    super(core, withMade(settings), setup, kept);
    this.#binary = setup.experts[0].loss.name === "binary_cross_entropy";
    this.#sums = setup.experts[0].loss.name !== "hinge";
  }

  /** The classes seen so far, in the order of their appearance. */
  get classes() {
    return [...this.#classes];
  }

  // ---- one sample -----------------------------------------------------------------------------------------------------

  /** Predict the probability of each class seen so far, as a Map; an empty one before the first. */
  predictProbaOne(x) {
    checkSample(x);
    if (this.engine === null) return new Map();
    this.engine.predict(x);
    const shares = this.#shares();
    const whole = this.#sums ? shares.reduce((sum, share) => sum + share, 0) : 1;
    return new Map(this.#classes.map((label, j) => [label, shares[j] / whole]));
  }

  /** Predict the class of a sample; null before the first is known. */
  predictOne(x) {
    checkSample(x);
    return this.#predict(x);
  }

  /** Say how much each feature moved the prediction: {target, method, of}, as in Python; `contributions` is a Map. */
  explainOne(x, { target, ...options } = {}) {
    checkSample(x);
    const known = target === undefined || target === null ? -1 : this.#index.get(keyOf(target));
    if (known === undefined) {
      const expected = `one of the classes ${shown(this.#classes.slice(0, 12))}`;
      throw new TargetError({ expected, got: shown(target), at: "target", help: "Name a class." });
    }
    return explained(this, x, options, (out) => {
      const best = this.#binary ? Number(out[0] > 0.5) : out.indexOf(Math.max(...out));
      const index = known >= 0 ? known : this.#classes.length > 1 ? best : 0;
      const [sign, offset] = this.#binary && index === 0 ? [-1, 1] : [1, 0];
      return { label: this.#classes[index], column: this.#binary ? 0 : index, sign, offset, scale: 1 };
    });
  }

  /** Learn one sample. A weight of 0 adds its names and teaches nothing. */
  learnOne(x, y, w = 1) {
    checkSample(x);
    this.#learn(x, y, w);
  }

  // ---- many samples ---------------------------------------------------------------------------------------------------

  /** Learn rows strictly one by one; returns what was predicted before each was learned, null where no class was known. */
  learnMany(X, y, w) {
    const rows = rowsOf(X);
    const answers = answersOf(y, rows.length);
    const weights = weightsOf(w, rows.length);
    return Array.from({ length: rows.length }, (_, i) => {
      const early = this.#learn(rows.at(i), answers[i], weights(i));
      return early === undefined ? this.#best() : early;
    });
  }

  /** Predict the class of each row; nothing is changed. */
  predictMany(X) {
    const rows = rowsOf(X);
    return Array.from({ length: rows.length }, (_, i) => this.#predict(rows.at(i)));
  }

  /** Predict probabilities of rows: {data, shape: [n, k]}, one column a class in the order of `classes`. */
  predictProbaMany(X) {
    const rows = rowsOf(X);
    const shape = [rows.length, this.#classes.length];
    const data = new Float64Array(shape[0] * shape[1]);
    for (let i = 0; i < rows.length && this.engine !== null; i++) {
      this.engine.predict(rows.at(i));
      data.set(this.#shares(), i * shape[1]);
    }
    return { data, shape };
  }

  // ---- the way of a row -----------------------------------------------------------------------------------------------

  #predict(x) {
    if (this.engine === null) return null;
    this.engine.predict(x);
    return this.#best();
  }

  /** Learn a row. Where its class is new, returns what was predicted before; else undefined, and the engine knows. */
  #learn(x, y, w) {
    const weight = weightOf(w, this.refused);
    const right = isLabel(y);
    if (!right) refuse(this.refused, "target");
    if (!right || weight < 0) {
      if (this.engine === null) return null;
      this.engine.learn(x, 0, 0, false);
      return undefined;
    }
    const index = this.#index.get(keyOf(y));
    if (index !== undefined) {
      this.engine.learn(x, index, weight);
      return undefined;
    }
    const predicted = this.#predict(x);
    this.#addClass(y);
    this.engine.learn(x, this.#classes.length - 1, weight);
    return predicted;
  }

  /** Append a class; its output starts at zero with the bias of a rare class. */
  #addClass(label) {
    const k = this.#classes.length + 1;
    if (this.#binary && k > 2) {
      const expected = `one of the two classes ${shown(this.#classes)}`;
      const help = "The loss 'binary_cross_entropy' has two classes; use the loss 'cross_entropy' for more.";
      throw new TargetError({ expected, got: shown(label), at: "y", help });
    }
    if (this.engine === null) this.engine = new Engine(this.core, this.setup);
    else if (!this.#binary) this.engine.addOutputs(k, Math.max(-this.core.calls.hw_logarithm(this.engine.learned + k), RARE));
    this.#classes.push(label);
    this.#index.set(keyOf(label), k - 1);
  }

  /** The probability of each class, by the last row's predictions. */
  #shares() {
    const { engine } = this;
    if (!this.#binary) return Array.from(this.#classes, (_, j) => engine.lastPrediction(j));
    if (this.#classes.length < 2) return [1];
    const p = engine.lastPrediction(0);
    return [engine.wide ? 1 - p : Math.fround(1 - p), p];
  }

  /** The class of the largest, of equal ones the first seen. */
  #best() {
    const shares = this.#shares();
    let best = 0;
    for (let j = 1; j < shares.length; j++) if (shares[j] > shares[best]) best = j;
    return this.#classes[best];
  }

  // ---- files ----------------------------------------------------------------------------------------------------------

  /** Return the file that Python's save writes, as bytes. */
  save() {
    return modelBytes("Classifier", this, this.#classes);
  }

  /** Put what was saved into it: classes, counts, arrays. */
  restore({ classes, refused, counts, state }) {
    if (!classes.every(isLabel)) {
      throw new DataError({ expected: "classes of text, numbers, booleans, bytes or arrays of them", got: shown(classes) });
    }
    this.#classes = classes;
    this.#index = new Map(classes.map((label, i) => [keyOf(label), i]));
    this.refused = refused;
    if (state !== null) this.engine = Engine.restored(this.core, this.setup, state, counts);
    const outputs = this.#binary ? Math.min(classes.length, 1) : classes.length;
    const wanted = this.engine?.outputs ?? 0;
    if (outputs !== wanted || this.#index.size !== classes.length || (this.#binary && classes.length > 2)) {
      throw new DataError({ expected: `${wanted} different classes`, got: String(classes.length) });
    }
  }
}
