// The classifier with all that it can do: its classes appear as the stream shows them.

import { explainClass } from "../explain/explain.mjs";
import { answersOf, weightsOf } from "../rows/guards.mjs";
import { rowsOf } from "../rows/matrix.mjs";
import { cheapest } from "./costs.mjs";
import { keyOf } from "./labels.mjs";
import { ClassLearner } from "./learner.mjs";

export class Classifier extends ClassLearner {
  /** Say how much each feature moved the prediction: {target, method, of}, as in Python; `contributions` is a Map. */
  explainOne(x, options) {
    return explainClass(this, x, options);
  }

  /** The number of a class; undefined of one that was never seen. */
  indexOf(label) {
    return this.index.get(keyOf(label));
  }

  /** Learn rows strictly one by one; returns what was predicted before each was learned, null where no class was known. */
  learnMany(X, y, w) {
    const rows = rowsOf(X);
    const answers = answersOf(y, rows.length);
    const weights = weightsOf(w, rows.length);
    return Array.from({ length: rows.length }, (_, i) => {
      const early = this.learned(rows.at(i), answers[i], weights(i));
      return early === undefined ? this.best() : early;
    });
  }

  /** Predict the class of a sample; null before the first is known. `costs`: of each class to predict any other, as in Python. */
  predictOne(x, options) {
    return options ? this.predictMany([x], options)[0] : super.predictOne(x);
  }

  /** Predict the class of each row, with costs as in `predictOne`; nothing is changed. */
  predictMany(X, { costs } = {}) {
    const rows = rowsOf(X);
    const choose = costs && cheapest(this, costs);
    return Array.from({ length: rows.length }, (_, i) => {
      const best = this.predicted(rows.at(i));
      return choose?.(this.shares()) ?? best;
    });
  }

  /** Predict probabilities of rows: {data, shape: [n, k]}, one column a class in the order of `classes`. */
  predictProbaMany(X) {
    const rows = rowsOf(X);
    const shape = [rows.length, this.known.length];
    const data = new Float64Array(shape[0] * shape[1]);
    for (let i = 0; i < rows.length && this.engine !== null; i++) {
      this.engine.predict(rows.at(i));
      data.set(this.shares(), i * shape[1]);
    }
    return { data, shape };
  }
}
