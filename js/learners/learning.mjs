// The engine of a learner that learns.

import { NotBuiltError } from "../errors.mjs";
import { PlannedReader, rowAndNames } from "../rows/planned.mjs";
import { Engine, KIND_NAMES } from "./engine.mjs";

/** Running numbers of an expert, by their places (headwater.h). */
const RUNNING = { count: 15, undone: 3, overflow: 4, unusable: 6 };

/** Names and numbers of one learner that learns. */
export class LearningEngine extends Engine {
  /** A new one, of a setup that has numbers to declare. */
  static begun(core, setup) {
    if (!setup.numbers) throw new NotBuiltError("a model that has learned nothing yet");
    const engine = new this(core, core.make(setup.numbers(core, null)), setup.dtype === "float64");
    for (const [name, kind] of setup.textColumns ?? []) engine.addTextColumn(name, kind);
    return engine;
  }

  readerOf(core, learner) {
    return new PlannedReader(core, learner);
  }

  addTextColumn(name, kind) {
    const { core } = this;
    core.clear();
    const bytes = core.text(name);
    core.check(core.calls.hw_add_text_column(this.learner, bytes, core.written, KIND_NAMES.indexOf(kind)));
    core.settle();
  }

  /** Predict a row, then learn it; returns 1 if it was learned, 0 where w is 0. `good`: learn its names. */
  learn(x, y, w, good = true) {
    const { core, reader } = this;
    const { unusable } = reader;
    this.enter();
    try {
      const [own, keys] = rowAndNames(x);
      if (reader.readNumbers(own, keys)) {
        const { slots, x: at } = reader.plan;
        return this.done(core.calls.js_learn_numbers(this.learner, slots, at, keys.length, y, w, this.out));
      }
      reader.read(own, keys, good);
      const { values, used, ordered } = reader;
      const status = core.calls.js_learn(this.learner, values, used, good ? 1 : 0, ordered, y, w, this.out);
      const done = this.done(status);
      reader.settle();
      return done;
    } catch (error) {
      reader.unusable = unusable; // the row was not learned, and may be offered again
      throw error;
    } finally {
      core.leave();
    }
  }

  predict(x, width = 0) {
    const { core, reader } = this;
    const [own, keys] = rowAndNames(x);
    this.enter();
    try {
      if (reader.readNumbers(own, keys)) {
        const { slots, x: at } = reader.plan;
        core.check(core.calls.js_predict_numbers(this.learner, slots, at, keys.length, this.out, width));
        return;
      }
      reader.read(own, keys, false);
      const { values, used, ordered } = reader;
      core.check(core.calls.js_predict(this.learner, values, used, ordered, this.out, width));
      reader.settle();
    } finally {
      core.leave();
    }
  }

  /** Count what learning did. */
  done(status) {
    this.core.check(status);
    if (status === 1) this.learned += 1;
    return status;
  }

  // ---- state ----------------------------------------------------------------------------------------------------------

  addOutputs(outputs, bias) {
    this.core.check(this.core.calls.hw_add_outputs(this.learner, outputs, bias));
    this.refresh();
  }

  digest() {
    const digest = BigInt.asUintN(64, this.core.calls.hw_digest(this.learner));
    this.core.settle();
    return digest;
  }

  /** Dropped values and undone steps so far, by reason. */
  rejected() {
    const { data } = this.array("running");
    const counts = { type: this.reader.unusable };
    ["infinite", "huge", "far", "far_target"].forEach((reason, i) => (counts[reason] = data[RUNNING.unusable + i]));
    counts.overflow = counts.diverged = 0;
    const experts = data.length / RUNNING.count - 2; // and the scale expert, and a rest
    for (let e = 0; e < experts; e++) {
      counts.overflow += data[e * RUNNING.count + RUNNING.overflow];
      counts.diverged += data[e * RUNNING.count + RUNNING.undone];
    }
    return counts;
  }
}
