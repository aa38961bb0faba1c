// What the classifier and the regressor have in common: settings, an engine once something is learned, and what was refused.

import { counted } from "../rows/guards.mjs";

/** What console.log asks an object for in Node, Deno and Bun. */
export const INSPECT = Symbol.for("nodejs.util.inspect.custom");

export class Learner {
  engine = null;
  refused = {};

  /** `kept`: what the file it came from says besides, which is written back. */
  constructor(core, settings, setup, kept) {
    this.core = core;
    this.settings = Object.freeze(settings);
    this.setup = kept.core < core.calls.js_version(1) ? { ...setup, lean: [] } : setup; // an older core knew no lean pools
    this.kept = kept;
  }

  /** How many rows were learned. */
  get nLearned() {
    return this.engine?.learned ?? 0;
  }

  /** Refused rows, dropped values and undone steps so far, by reason. */
  get rejected() {
    return counted(this.refused, this.engine?.rejected() ?? {});
  }

  /** The columns known so far: [{name, kind: "number", "category" or "time", mean, categories}]. */
  get columns() {
    return this.engine?.columns() ?? [];
  }

  /** What Python noted for itself in the file that this learner came from, such as the name of the target column. */
  get notes() {
    return this.kept.notes ?? {};
  }

  /** A number that stands for all that was learned: equal learners have equal ones, on every machine. */
  digest() {
    return this.engine?.digest() ?? 0n;
  }

  /** One array of the state by its name ("weights", "running"), as {name, shape, data}, a copy; null if there is none. */
  array(name) {
    return this.engine?.array(name) ?? null;
  }

  /** One line on what it is and what it knows, which console.log prints too. */
  toString() {
    if (this.engine?.at === 0) return `${this.constructor.name}(freed)`;
    const classes = this.classes ? `, classes: ${this.classes.length}` : "";
    return `${this.constructor.name}(rows learned: ${this.nLearned}, columns: ${this.columns.length}${classes})`;
  }

  [INSPECT]() {
    return this.toString();
  }

  /** Give its memory back; it can't be used any more. */
  free() {
    this.engine?.free();
  }
}
