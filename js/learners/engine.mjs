// The engine of a learner: the one way from rows to predictions and back. Everything that learning changes is in the core.

import { declaration } from "../declare/declare.mjs";
import { ConfigError, DataError, HeadwaterError } from "../errors.mjs";
import { Reader, namesOf } from "../rows/rows.mjs";

const KIND_NAMES = ["number", "category", "time", "words", "bigrams"];
/** Running numbers of an expert, by their places (headwater.h). */
const RUNNING = { count: 15, undone: 3, overflow: 4, infinite: 6, huge: 7, far: 8, far_target: 9 };

/** What to declare to the core; a state of a version that knew no lean learning goes on without it. */
export function declared(core, setup, state = null) {
  const older = state !== null && state[0].data[0] === core.calls.js_version(0);
  const lean = older ? [] : (setup.lean ?? []);
  return declaration(core.names, setup.experts, { ...setup, lean, version: core.calls.js_version(lean.length) });
}

/** Names and numbers of one learner. */
export class Engine {
  /** `state`: arrays of a saved learner to go on from, in the order of the core's list. */
  constructor(core, setup, state = null) {
    this.core = core;
    this.experts = setup.experts.length;
    this.wide = setup.dtype === "float64";
    if (this.wide && !core.calls.js_has_double()) throw noDouble();
    const numbers = declared(core, setup, state);
    if (state !== null) checkDeclaration(state, numbers);
    this.at = state === null ? core.make(numbers) : core.restore(state);
    this.reader = new Reader(core, this.learner);
    if (state === null) for (const [name, kind] of setup.textColumns ?? []) this.addTextColumn(name, kind);
    this.out = 0;
    this.outRoom = 0;
    this.refresh();
    const { reader, learner } = this;
    core.forgotten.register(this, () => forget(core, learner, reader), this);
  }

  /** An engine on saved arrays; the core checks each of them against what the settings declare. */
  static restored(core, setup, state, { unusable }) {
    const engine = new Engine(core, setup, state);
    engine.reader.unusable = unusable;
    return engine;
  }

  addTextColumn(name, kind) {
    const { core } = this;
    core.clear();
    const bytes = core.text(name);
    core.check(core.calls.hw_add_text_column(this.learner, bytes, core.written, KIND_NAMES.indexOf(kind)));
    core.settle();
  }

  /** Where the core has it, until it is freed. */
  get learner() {
    if (!this.at) throw new HeadwaterError({ expected: "a learner", got: "one that was freed", help: "Make or load another one." });
    return this.at;
  }

  free() {
    if (!this.at) return;
    this.core.forgotten.unregister(this);
    forget(this.core, this.at, this.reader);
    this.at = 0;
  }

  /** Room for so many bytes that lasts as long as the learner. */
  room(bytes) {
    this.reader.kept = this.core.take(bytes);
    return this.reader.kept;
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

  /** Predict a row, then learn it; returns 1 if it was learned, 0 where w is 0. `good`: learn its names. */
  learn(x, y, w, good = true) {
    const { core, reader } = this;
    this.enter();
    try {
      const [own, keys] = namesOf(x);
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

  /** Predict a row; `width`: where the size of error to be expected is to be written, 0 for nowhere. */
  predict(x, width = 0) {
    const { core, reader } = this;
    this.enter();
    try {
      const [own, keys] = namesOf(x);
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

  /** What the net reads of a row: {rows, values, cells}; `atMean`: with every number at its mean and no category. `texts`: whether the row is
   *  one of texts alone, or a part of one. */
  pairs(x, atMean, texts) {
    const { core, reader } = this;
    this.enter();
    try {
      const [own, keys] = namesOf(x);
      reader.read(own, keys, false, texts);
      const { values, used, ordered } = reader;
      const count = core.check(core.calls.js_pairs(this.learner, values, used, ordered, atMean ? 1 : 0, core.staging));
      reader.settle();
      const [rowsAt, valuesAt, cellsAt, tables] = core.words.subarray(core.staging >>> 2);
      const numbers = this.wide ? core.doubles.subarray(valuesAt >>> 3) : core.floats.subarray(valuesAt >>> 2);
      const taken = [];
      for (let i = 0; i < count; i++) if (core.words[(rowsAt >>> 2) + i] > 0) taken.push(i);
      const rows = taken.map((i) => core.words[(rowsAt >>> 2) + i]); // row 0 is the bias
      return { rows, values: taken.map((i) => numbers[i]), cells: core.words.slice(cellsAt >>> 2, (cellsAt >>> 2) + tables) };
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

  // ---- state ----------------------------------------------------------------------------------------------------------

  addOutputs(outputs, bias) {
    this.core.check(this.core.calls.hw_add_outputs(this.learner, outputs, bias));
    this.refresh();
  }

  array(name) {
    return this.core.array(this.learner, name);
  }

  write(name, numbers) {
    this.core.overwrite(this.learner, name, numbers);
  }

  state() {
    return this.core.state(this.learner);
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
    for (const reason of ["infinite", "huge", "far", "far_target"]) counts[reason] = data[RUNNING[reason]];
    counts.overflow = counts.diverged = 0;
    for (let e = 0; e < this.experts; e++) {
      counts.overflow += data[e * RUNNING.count + RUNNING.overflow];
      counts.diverged += data[e * RUNNING.count + RUNNING.undone];
    }
    return counts;
  }
}

function forget(core, learner, reader) {
  core.calls.hw_free(learner);
  reader.free();
  core.free(reader.out);
}

function checkDeclaration([{ data }], numbers) {
  if (data.length === numbers.length && numbers.every((x, i) => Object.is(x, data[i]) || x === data[i])) return;
  throw new DataError({ expected: "the declaration that the settings state", got: "another one", at: "declaration" });
}

function noDouble() {
  const help = "Load the core that has both: load(new URL('headwater64.wasm', import.meta.url)).";
  return new ConfigError({ expected: "'float32', as headwater.wasm has it", got: "'float64'", at: "dtype", help });
}
