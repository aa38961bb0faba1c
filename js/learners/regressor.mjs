// The regressor with all that it can do: its answers are numbers.

import { explainNumber } from "../explain/explain.mjs";
import { answersOf, weightsOf } from "../rows/guards.mjs";
import { rowsOf } from "../rows/matrix.mjs";
import { NumberLearner } from "./learner.mjs";

export class Regressor extends NumberLearner {
  /** Say how much each feature moved the prediction: {method}, as in Python; `contributions` is a Map. */
  explainOne(x, options) {
    return explainNumber(this, x, options);
  }

  /** Learn rows strictly one by one; returns what was predicted before each was learned. */
  learnMany(X, y, w) {
    const rows = rowsOf(X);
    const answers = answersOf(y, rows.length);
    const weights = weightsOf(w, rows.length);
    return Float64Array.from({ length: rows.length }, (_, i) => {
      this.learned(rows.at(i), answers[i], weights(i));
      return this.last();
    });
  }

  /** Predict the answer of each row; nothing is changed. */
  predictMany(X) {
    const rows = rowsOf(X);
    return Float64Array.from({ length: rows.length }, (_, i) => this.predicted(rows.at(i)));
  }
}
