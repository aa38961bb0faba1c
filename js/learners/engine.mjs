// The engine of a learner: the one way from rows to predictions. Everything that learning changes is in the core.

import { HeadwaterError } from "../errors.mjs";
import { Reader, namesOf } from "../rows/rows.mjs";

export const KIND_NAMES = ["number", "category", "time", "words", "bigrams"];
/** Names and numbers of one learner. */
export class Engine {
  /** `at`: where the core has the learner; `wide`: its numbers have 64 bits. */
  constructor(core, at, wide) {
    this.core = core;
    this.wide = wide;
    this.at = at;
    this.reader = this.readerOf(core, this.learner);
    this.out = 0;
    this.outRoom = 0;
    this.refresh();
    const { reader, learner } = this;
    core.forgotten.register(this, () => forget(core, learner, reader), this);
  }

  /** An engine on saved arrays, in the order of the core's list; the core checks each of them against what is declared. */
  static restored(core, setup, state, { unusable }) {
    setup.numbers?.(core, state);
    const engine = new this(core, core.restore(state), setup.dtype === "float64");
    engine.reader.unusable = unusable;
    return engine;
  }

  /** Writes its rows. */
  readerOf(core, learner) {
    return new Reader(core, learner);
  }

  /** Where the core has it, until it is freed. */
  get learner() {
    if (!this.at) throw new HeadwaterError({ expected: "a learner", got: "one that was freed", help: "Make another one." });
    return this.at;
  }

  free() {
    if (!this.at) return;
    this.core.forgotten.unregister(this);
    forget(this.core, this.at, this.reader);
    this.at = 0;
  }

  /** Look at the sizes as they are now. */
  refresh() {
    const { core } = this;
    core.calls.js_describe(this.learner, core.staging);
    core.settle();
    [this.outputs, this.learned] = core.doubles.subarray(core.staging / 8);
    if (this.outputs > this.outRoom) {
      core.free(this.out);
      this.outRoom = 2 * this.outputs + 8;
      this.out = core.take(8 * this.outRoom);
      this.reader.out = this.out;
    }
  }

  // ---- rows -----------------------------------------------------------------------------------------------------------

  /** Predict a row; `width`: where the size of error to be expected is to be written, 0 for nowhere. */
  predict(x, width = 0) {
    const { core, reader } = this;
    this.enter();
    try {
      reader.read(...namesOf(x), false);
      const { values, used, ordered } = reader;
      core.check(core.calls.js_predict(this.learner, values, used, ordered, this.out, width));
      reader.settle();
    } finally {
      core.leave();
    }
  }

  /** The columns known so far: [{name, kind, mean, categories}], the running mean of numbers and categories in the order of their appearance. */
  columns() {
    const { core, learner } = this;
    const { calls, staging } = core;
    const at = staging >>> 2;
    const means = this.array("slot_mean").data;
    const columns = Array.from({ length: calls.hw_columns(learner) }, (_, c) => {
      const name = calls.hw_column_name(learner, c, staging);
      const mean = means[calls.hw_column_slot(learner, c)] ?? null;
      return { name: core.decoded(name, core.words[at]), kind: KIND_NAMES[calls.hw_column_kind(learner, c)], mean, categories: [] };
    });
    for (let c = 0; c < calls.hw_categories(learner); c++) {
      const text = calls.hw_category(learner, c, staging, staging + 4, staging + 8);
      columns[core.words[at]]?.categories.push(core.decoded(text, core.words[at + 2])); // no column: it is a column's own name
    }
    return columns;
  }

  enter() {
    if (this.learner) this.core.enter();
  }

  /** Prediction j of the last row. */
  lastPrediction(j) {
    const { core } = this;
    if (this.wide) return core.doubles[(this.out >>> 3) + j];
    return core.floats[(this.out >>> 2) + j];
  }

  array(name) {
    return this.core.array(this.learner, name);
  }
}

function forget(core, learner, reader) {
  core.calls.hw_free(learner);
  reader.free();
  core.free(reader.out);
}
