// What learners of all kinds share: settings, counts and arrays of their file, and rows read for whatever the core is asked next.

import { fromJson, stateOf } from "../../file/model.mjs";
import { modelBytes } from "../../file/save.mjs";
import { statesOf } from "../learner.mjs";
import { LearningEngine } from "../learning.mjs";
import { INSPECT } from "../predictor.mjs";
import { counted } from "../../rows/guards.mjs";
import { rowAndNames } from "../../rows/planned.mjs";
import { checkSample } from "../../rows/values.mjs";

/** An engine whose rows are read for a question or an answer of a kind's own. */
export class KindEngine extends LearningEngine {
  /** Read a row, with its new names where it is learned, and return what `then` says of it. */
  reading(x, learn, then) {
    const { core, reader } = this;
    const { unusable } = reader;
    this.enter();
    try {
      this.readRow(x, learn);
      const said = then(core.calls, this.learner);
      if (learn) this.refresh();
      return said;
    } catch (error) {
      reader.unusable = unusable;
      throw error;
    } finally {
      core.leave();
    }
  }

  readRow(x, learn) {
    const { core, reader } = this;
    reader.read(...rowAndNames(x), learn);
    const { values, used, ordered } = reader;
    core.check(core.calls.hw_read(this.learner, values, BigInt(used), learn ? 1 : 0, ordered, 0));
    reader.settle();
  }

  /** Give `write` room for so many doubles, and return them. */
  doubles(count, write) {
    const { core } = this;
    const at = core.take(8 * Math.max(count, 1));
    try {
      core.bytes.fill(0, at, at + 8 * count);
      core.check(write(at));
      return Array.from(core.doubles.subarray(at >>> 3, (at >>> 3) + count));
    } finally {
      core.free(at);
    }
  }
}

/** A learner of a kind, from its file. */
export class KindLearner {
  /** Return the learner of a file. */
  static read(core, header, arrays) {
    return new this(core, header, arrays);
  }

  constructor(core, header, arrays) {
    const { settings, core: version, notes = {}, refused, classes = [] } = header;
    this.core = core;
    this.kept = { settings, core: Number(version), notes, sample: arrays.get("sample") };
    this.settings = Object.freeze(Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, fromJson(value)])));
    this.refused = Object.fromEntries(Object.entries(refused).map(([reason, count]) => [reason, Number(count)]));
    this.known = classes.map((label) => fromJson(label));
    this.learns = !header.packed;
    this.engine = null;
    if (header.engine) this.restore(header.engine, arrays);
  }

  restore({ unusable }, arrays) {
    this.engine = KindEngine.restored(this.core, { dtype: this.settings.dtype }, stateOf(arrays, this.core), { unusable: Number(unusable) });
  }

  /** How many rows were learned. */
  get nLearned() {
    return this.engine?.learned ?? 0;
  }

  /** The columns known so far, without those that the learner adds to a row by itself. */
  get columns() {
    return (this.engine?.columns() ?? []).filter(({ name }) => !this.isOwn(name));
  }

  isOwn() {
    return false;
  }

  /** What Python noted for itself in the file that this learner came from. */
  get notes() {
    return this.kept.notes;
  }

  /** Refused rows, dropped values and undone steps so far, by reason. */
  get rejected() {
    return counted(this.refused, { type: this.engine?.reader.unusable ?? 0 });
  }

  /** A number that stands for all that was learned: equal learners have equal ones, on every machine. */
  digest() {
    return this.engine?.digest() ?? 0n;
  }

  /** Read a row, and return what `then(calls, learner)` says of it. */
  of(x, then, learn = false) {
    checkSample(x);
    return this.engine.reading(x, learn, then);
  }

  /** Return the file that Python's save writes, as bytes. */
  save() {
    const { kept, known: classes, refused, engine } = this;
    const counts = engine && { unusable: engine.reader.unusable };
    return modelBytes(this.kind, this.core, { kept, classes, refused, counts, state: engine && statesOf(engine) });
  }

  /** Give its memory back; it can't be used any more. */
  free() {
    this.engine?.free();
  }

  toString() {
    return `${this.kind}(rows learned: ${this.nLearned}, columns: ${this.columns.length})`;
  }

  [INSPECT]() {
    return this.toString();
  }
}
