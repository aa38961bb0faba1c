// Classes and numbers with a memory: the rows before have a share in what is said of a row.

import { explainClass, explainNumber } from "../../explain/explain.mjs";
import { MemoryInspection } from "../../explain/memory.mjs";
import { cheapest } from "../costs.mjs";
import { keyOf } from "../labels.mjs";
import { ClassLearner, NumberLearner } from "../learner.mjs";

export class RememberedClass extends ClassLearner {
  Net = MemoryInspection;

  /** Say how much each column, and the rows before as "memory", moved the prediction: {target, method, of}, as in Python. */
  explainOne(x, options) {
    return explainClass(this, x, options);
  }

  /** Predict the class of a sample; null before the first is known. `costs`: of each class to predict any other, as in Python. */
  predictOne(x, options) {
    const best = super.predictOne(x);
    return options?.costs ? (cheapest(this, options.costs)(this.shares()) ?? best) : best;
  }

  /** The number of a class; undefined of one that was never seen. */
  indexOf(label) {
    return this.index.get(keyOf(label));
  }
}

export class RememberedNumber extends NumberLearner {
  Net = MemoryInspection;

  /** Say how much each column, and the rows before as "memory", moved the prediction: {method}, as in Python. */
  explainOne(x, options) {
    return explainNumber(this, x, options);
  }
}
