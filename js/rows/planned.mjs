// Rows of the same keys one after the other are written by a plan: their names need no look-up.

import { NUMBER, VALUE } from "../core.mjs";
import { Reader, namesOf } from "./rows.mjs";

/** Marks a row that is no object: it has `names`, `write` and `asObject` (matrix.mjs). */
export const OF_MATRIX = Symbol("row of a matrix");

/** Return a row, of a matrix too, and the list of its names. */
export function rowAndNames(x) {
  return x[OF_MATRIX] ? [x, x.names] : namesOf(x);
}

/** The keys that two rows have had and where each of their values goes. Rows of the same keys need no look-up. */
class Plan {
  keys = [];
  places = []; // where the value of each key stands among values in order
  kinds = []; // of the column of each place; below 0: not known yet
  numbers = false; // every column is known, and is one of numbers:
  slots = 0; // where their slots lie, and
  x = 0; // room for their values
  names = 0; // where the bytes of the keys lie
  room = 0;
  namesRoom = 0;
}

/** Writes rows for one learner, by a plan where it can. */
export class PlannedReader extends Reader {
  plan = new Plan();

  blocks() {
    return [...super.blocks(), this.plan.slots, this.plan.x, this.plan.names];
  }

  // ---- rows -----------------------------------------------------------------------------------------------------------

  /** Write a row of which every value is a number of a known column; returns whether it is one. */
  readNumbers(x, keys) {
    const { plan, core } = this;
    if (!plan.numbers || keys.length !== plan.keys.length) return false;
    const at = plan.x >>> 3;
    if (x[OF_MATRIX]) return keys === plan.keys && x.write(core.doubles, at);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] !== plan.keys[i]) return false;
      const value = x[keys[i]];
      if (typeof value !== "number") return false;
      core.doubles[at + plan.places[i]] = value;
    }
    return true;
  }

  /** Write a row; `learn`: values of no usable type are counted. */
  read(x, keys, learn, texts) {
    this.core.clear();
    const own = x[OF_MATRIX] ? x.asObject() : x;
    const planned = same(keys, this.plan.keys) || same(keys, this.last);
    if (planned && keys !== this.plan.keys && !same(keys, this.plan.keys)) this.makePlan(keys);
    this.used = keys.length;
    this.sample = own;
    this.texts = texts;
    if (planned) this.readPlanned(own, keys, learn);
    else this.forgetPlan(own, keys, learn);
    this.ordered = planned && this.used === keys.length ? 1 : 0;
  }

  readPlanned(x, keys, learn) {
    const { plan } = this;
    for (let i = 0; i < keys.length; i++) {
      const place = plan.places[i];
      this.add(place, keys[i], plan.kinds[place], x[keys[i]], learn, 0);
    }
  }

  /** Write a row of other keys: values no longer stand as the plan says. */
  forgetPlan(x, keys, learn) {
    this.plan.keys = [];
    this.plan.numbers = false;
    this.readLoose(x, keys, learn);
  }

  /** After the core has read a row, columns that were new have their numbers: remember them, and their kinds. */
  settle() {
    if (this.plan.keys.length) this.settlePlan();
    super.settle();
  }

  settlePlan() {
    const { plan, core, learner } = this;
    if (plan.numbers) return;
    let numbers = 0;
    for (let place = 0; place < plan.keys.length; place++) {
      const at = (this.values + place * VALUE.size) >>> 2;
      if (core.words[at] < 0) {
        const [name, size] = [core.words[at + VALUE.name / 4], core.words[at + VALUE.nameSize / 4]];
        core.words[at] = core.calls.hw_column(learner, name, size);
      }
      const column = core.words[at];
      plan.kinds[place] = core.calls.hw_column_kind(learner, column);
      if (plan.kinds[place] !== NUMBER) continue;
      core.words[(plan.slots >>> 2) + place] = core.calls.hw_column_slot(learner, column);
      numbers++;
    }
    plan.numbers = numbers > 0 && numbers === plan.keys.length;
  }

  // ---- plans ----------------------------------------------------------------------------------------------------------

  /** Plan for rows of these keys: where each value goes so that all stand in the order of their names. */
  makePlan(keys) {
    const { plan, core } = this;
    plan.keys = this.last = []; // no plan, should anything below fail
    plan.numbers = false;
    this.fresh.length = 0;
    this.makeRoom(keys);
    const names = [];
    let end = plan.names;
    for (const key of keys) {
      const at = end;
      end = core.write(key, at);
      names.push({ at, size: end - at });
    }
    const order = Array.from(keys.keys()).sort((i, j) => compared(core.bytes, names[i], names[j]));
    order.forEach((i, place) => {
      const at = this.values + place * VALUE.size;
      plan.places[i] = place;
      core.bytes.fill(0, at, at + VALUE.size);
      core.words[(at + VALUE.name) >>> 2] = names[i].at;
      core.words[(at + VALUE.nameSize) >>> 2] = names[i].size;
      const column = core.calls.hw_column(this.learner, names[i].at, names[i].size);
      core.words[at >>> 2] = column;
      plan.kinds[place] = core.calls.hw_column_kind(this.learner, column);
    });
    plan.keys = keys;
  }

  makeRoom(keys) {
    const { plan, core } = this;
    this.reserve(keys.length);
    if (keys.length > plan.room) {
      const room = 2 * keys.length + 16;
      for (const name of ["slots", "x"]) {
        const at = core.take(room * 8);
        core.free(plan[name]);
        plan[name] = at;
      }
      plan.room = room;
    }
    const bytes = 3 * keys.reduce((sum, key) => sum + key.length, 0);
    if (bytes > plan.namesRoom) {
      const at = core.take(2 * bytes);
      core.free(plan.names);
      plan.names = at;
      plan.namesRoom = 2 * bytes;
    }
  }
}

/** Say whether two lists of names are equal. */
function same(keys, others) {
  if (keys === others || keys.length !== others.length) return keys === others;
  for (let i = 0; i < keys.length; i++) if (keys[i] !== others[i]) return false;
  return true;
}

/** Return the order of two names: by length, then by letter, as bytes. */
function compared(bytes, a, b) {
  if (a.size !== b.size) return a.size - b.size;
  for (let i = 0; i < a.size; i++) {
    const difference = bytes[a.at + i] - bytes[b.at + i];
    if (difference) return difference;
  }
  return 0;
}
