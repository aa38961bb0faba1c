// Learners of classes and of numbers, row by row, and their files.

import { DataError, TargetError, shown } from "../errors.mjs";
import { modelBytes } from "../file/save.mjs";
import { counted, numberOf, refuse, weightOf } from "../rows/guards.mjs";
import { checkSample } from "../rows/values.mjs";
import { isLabel, keyOf } from "./labels.mjs";
import { LearningEngine } from "./learning.mjs";
import { ClassPredictor, NumberPredictor } from "./predictor.mjs";

const RARE = -6; // the bias of a class that appears later is ln(1/(t + k)), but not below this

/** What `restore` was given, as it is now: all that a file holds. */
export function partsOf({ setup: { loss, dtype }, kept, refused, classes = [], engine }) {
  const counts = engine && { unusable: engine.reader.unusable };
  return { setup: { loss, dtype }, kept, refused, classes, counts, state: engine && statesOf(engine) };
}

/** All that learning changes, as copies of arrays. */
export function statesOf({ core, learner }) {
  return Array.from({ length: core.calls.hw_states() }, (_, i) => {
    core.check(core.calls.hw_state(learner, i, core.staging));
    return core.described();
  });
}

/** Return a class of learners on one of predictors. */
const learning = (Made) =>
  class extends Made {
    get Engine() {
      return LearningEngine;
    }

    /** Refused rows, dropped values and undone steps so far, by reason. */
    get rejected() {
      return counted(this.refused, this.engine?.rejected() ?? {});
    }

    /** A number that stands for all that was learned: equal learners have equal ones, on every machine. */
    digest() {
      return this.engine?.digest() ?? 0n;
    }

    /** Learn one sample. A weight of 0 adds its names and teaches nothing. */
    learnOne(x, y, w = 1) {
      checkSample(x);
      this.learned(x, y, w);
    }

    /** Return the file that Python's save writes, as bytes. */
    save() {
      return modelBytes(this.kind, this.core, partsOf(this));
    }
  };

export class ClassLearner extends learning(ClassPredictor) {
  index = new Map(); // the number of each class by its key

  restore(parts) {
    const { classes } = parts;
    if (!classes.every(isLabel)) {
      throw new DataError({ expected: "classes of text, numbers, booleans, bytes or arrays of them", got: shown(classes) });
    }
    this.index = new Map(classes.map((label, i) => [keyOf(label), i]));
    super.restore(parts);
    if (this.index.size === classes.length) return;
    throw new DataError({ expected: `${classes.length} different classes`, got: String(this.index.size) });
  }

  /** Learn a row that was checked. Where its class is new, returns what was predicted before; else undefined, and the engine knows. */
  learned(x, y, w) {
    const weight = weightOf(w);
    const right = isLabel(y);
    if (!right || weight < 0) {
      if (this.engine !== null) this.engine.learn(x, 0, 0, false);
      if (weight < 0) refuse(this.refused, "weight");
      if (!right) refuse(this.refused, "target");
      return this.engine === null ? null : undefined;
    }
    const index = this.index.get(keyOf(y));
    if (index !== undefined) {
      this.engine.learn(x, index, weight);
      return undefined;
    }
    const predicted = this.predicted(x);
    this.addClass(y);
    this.engine.learn(x, this.known.length - 1, weight);
    return predicted;
  }

  /** Append a class; its output starts at zero with the bias of a rare class. */
  addClass(label) {
    const { core, engine, known } = this;
    const k = known.length + 1;
    if (this.binary && k > 2) {
      const expected = `one of the two classes ${shown(known)}`;
      const help = "Use the loss 'cross_entropy' for more.";
      throw new TargetError({ expected, got: shown(label), at: "y", help });
    }
    if (engine === null) this.engine = LearningEngine.begun(core, this.setup);
    else if (!this.binary) engine.addOutputs(k, Math.max(-core.calls.hw_logarithm(engine.learned + k), RARE));
    known.push(label);
    this.index.set(keyOf(label), k - 1);
  }
}

export class NumberLearner extends learning(NumberPredictor) {
  /** Learn a row that was checked. */
  learned(x, y, w) {
    const weight = weightOf(w);
    const answer = numberOf(y);
    const right = answer >= this.least && answer <= this.most;
    const good = right && weight >= 0;
    this.engine ??= LearningEngine.begun(this.core, this.setup);
    this.engine.learn(x, good ? answer : 0, good ? weight : 0, good);
    if (weight < 0) refuse(this.refused, "weight");
    if (!right) refuse(this.refused, "target");
  }
}
