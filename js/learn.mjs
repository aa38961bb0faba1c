// What learns and is saved; a page that only predicts goes without it.

import { Core } from "./core.mjs";
import { sha256 } from "./file/sha256.mjs";
import { ClassLearner, NumberLearner, partsOf } from "./learners/learner.mjs";
import { modelOfFile } from "./learners/opened.mjs";

const LEARNERS = { Classifier: ClassLearner, Regressor: NumberLearner };

/** Return the model of a file, or of parts that a smaller build gives away. */
export function modelIn(instance, given) {
  return modelOfFile(LEARNERS, new Core(instance), given);
}

/** Return the parts of a model, for a larger build. */
export function partsIn(model) {
  return partsOf(model);
}

/** Return the digest of some bytes, where the platform has none. */
export function digestOf(...parts) {
  return sha256(...parts);
}
