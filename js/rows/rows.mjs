// A row as the core reads it: values in the order of their names, written into its memory.

import { CATEGORY, HAS_NUMBER, HAS_TEXT, HAS_TIME, NUMBER, TIME, TIME_PARTS, VALUE } from "../core.mjs";
import { DataError, kindOf } from "../errors.mjs";
import { mayBeTime, partsOfDate, partsOfText, textOfDate } from "./times.mjs";
import { asNumber, checkSample, firstCell, floatOf, isMany, isMapping, isOfTexts, nextCell, objectOf, textOfNumber } from "./values.mjs";

const DEPTH = 8;

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

/** Writes rows for one learner. */
export class Reader {
  constructor(core, learner) {
    this.core = core;
    this.learner = learner;
    this.unusable = 0;
    this.plan = new Plan();
    this.last = []; // the keys of the last row, if they are not those of the plan
    this.columns = new Map(); // number of the column of each name that was met in rows without a plan
    this.kinds = []; // of the columns, by their numbers
    this.fresh = []; // places of the last row whose columns were not known
    this.ordered = 0; // 1: values stand in the order of their names
    this.values = 0;
    this.room = 0;
    this.used = 0;
    this.kept = 0; // room that others asked for
    this.circle = { sine: core.calls.hw_sine, cosine: core.calls.hw_cosine };
  }

  free() {
    for (const at of this.blocks()) this.core.free(at);
  }

  blocks() {
    return [this.values, this.plan.slots, this.plan.x, this.plan.names, this.kept];
  }

  // ---- rows -----------------------------------------------------------------------------------------------------------

  /** Write a row of which every value is a number of a known column; returns whether it is one. */
  readNumbers(x, keys) {
    const { plan, core } = this;
    if (!plan.numbers || keys.length !== plan.keys.length) return false;
    const at = plan.x >>> 3;
    if (x instanceof MatrixRow) return keys === plan.keys && x.write(core.doubles, at);
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
    const own = x instanceof MatrixRow ? x.asObject() : x;
    const planned = same(keys, this.plan.keys) || same(keys, this.last);
    if (planned && keys !== this.plan.keys && !same(keys, this.plan.keys)) this.makePlan(keys);
    this.used = keys.length;
    this.sample = own;
    this.texts = texts;
    if (planned) this.readPlanned(own, keys, learn);
    else this.readLoose(own, keys, learn);
    this.ordered = planned && this.used === keys.length ? 1 : 0;
  }

  readPlanned(x, keys, learn) {
    const { plan } = this;
    for (let i = 0; i < keys.length; i++) {
      const place = plan.places[i];
      this.add(place, keys[i], plan.kinds[place], x[keys[i]], learn, 0);
    }
  }

  /** Write a row of other keys than the last one's: names that are known by their columns' numbers, in any order. */
  readLoose(x, keys, learn) {
    const { core, columns } = this;
    this.plan.keys = []; // values no longer stand as it says
    this.plan.numbers = false;
    this.last = keys;
    this.fresh.length = 0;
    this.reserve(keys.length);
    for (let place = 0; place < keys.length; place++) {
      const column = columns.get(keys[place]);
      if (column === undefined) {
        this.fresh.push(place);
        this.place(place, keys[place]);
        this.add(place, keys[place], core.calls.hw_column_kind(this.learner, this.columnAt(place)), x[keys[place]], learn, 0);
      } else {
        core.words[(this.values + place * VALUE.size) >>> 2] = column;
        this.add(place, keys[place], this.kinds[column], x[keys[place]], learn, 0);
      }
    }
  }

  /** Begin a value of a name: its bytes, and its column, if the core knows it. */
  place(place, name) {
    const { core } = this;
    const bytes = core.text(name);
    const column = core.calls.hw_column(this.learner, bytes, core.written);
    const at = this.values + place * VALUE.size;
    core.bytes.fill(0, at, at + VALUE.size);
    core.words[at >>> 2] = column;
    core.words[(at + VALUE.name) >>> 2] = bytes;
    core.words[(at + VALUE.nameSize) >>> 2] = core.written;
  }

  columnAt(place) {
    return this.core.words[(this.values + place * VALUE.size) >>> 2];
  }

  /** After the core has read a row, columns that were new have their numbers: remember them, and their kinds. */
  settle() {
    if (this.plan.keys.length) this.settlePlan();
    for (const place of this.fresh) {
      const column = this.columnAt(place);
      if (column < 0) continue;
      this.columns.set(this.last[place], column);
      this.kinds[column] = this.core.calls.hw_column_kind(this.learner, column);
    }
    this.fresh.length = 0;
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

  /** Room for so many values. Times and texts lie elsewhere, so values may move. */
  reserve(count) {
    if (count <= this.room) return;
    const { core } = this;
    const room = 2 * count + 16;
    const at = core.take(room * VALUE.size);
    core.bytes.copyWithin(at, this.values, this.values + this.room * VALUE.size);
    core.free(this.values);
    this.values = at;
    this.room = room;
  }

  // ---- one value ------------------------------------------------------------------------------------------------------

  /** Write a value of any kind; `kind`: that of its column, if it is known. */
  add(place, name, kind, value, learn, depth) {
    switch (typeof value) {
      case "number":
        return this.setNumber(place, kind, value);
      case "string":
        return this.setText(place, kind, value);
      case "boolean":
        return this.setNumber(place, kind, value ? 1 : 0);
      case "bigint":
        return this.setNumber(place, kind, floatOf(value));
      case "undefined":
        return this.setHas(place, 0);
      default:
        return value === null ? this.setHas(place, 0) : this.addObject(place, name, value, learn, depth);
    }
  }

  addObject(place, name, value, learn, depth) {
    this.setHas(place, 0);
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) return;
      const parts = partsOfDate(value, this.circle);
      if (parts) this.setTime(place, parts, textOfDate(value));
      else this.unusable += learn ? 1 : 0;
      return;
    }
    const many = isMany(value);
    if (!many && !isMapping(value)) {
      this.unusable += learn ? 1 : 0;
      return;
    }
    // a name that is no text goes on as what it says
    const outer = name.startsWith("\0") ? name.slice(name.indexOf(" ") + 1) : name;
    const items = many ? value : value instanceof Map ? [...value] : Object.entries(value);
    for (let i = 0; i < items.length; i++) {
      const own = many ? items[i] : items[i][1];
      if (depth < DEPTH) this.addNested(`${outer}${many ? `[${i}]` : `.${String(items[i][0])}`}`, own, learn, depth + 1);
      else if (own !== null && own !== undefined) this.unusable += learn ? 1 : 0;
    }
  }

  /** Append a value that lies inside another. */
  addNested(name, value, learn, depth) {
    this.reserve(this.used + 1);
    const place = this.used++;
    this.place(place, name);
    this.add(place, name, this.core.calls.hw_column_kind(this.learner, this.columnAt(place)), value, learn, depth);
  }

  /** Which forms of its value there are. */
  setHas(place, has) {
    this.core.bytes[this.values + place * VALUE.size + VALUE.has] = has;
  }

  setNumber(place, kind, x) {
    const { core } = this;
    const at = this.values + place * VALUE.size;
    core.bytes[at + VALUE.kind] = NUMBER;
    core.doubles[(at + VALUE.number) >>> 3] = x;
    core.bytes[at + VALUE.has] = x === x ? HAS_NUMBER : 0;
    if (x === x && kind > NUMBER) this.writeText(place, textOfNumber(x));
  }

  setText(place, kind, text) {
    this.setHas(place, 0);
    this.writeText(place, text);
    this.core.bytes[this.values + place * VALUE.size + VALUE.kind] = CATEGORY;
    const x = kind === NUMBER ? asNumber(text) : null;
    if (x !== null) return x === x ? this.addNumber(place, x) : this.setHas(place, 0);
    if (kind !== NUMBER && kind !== CATEGORY && kind <= TIME && mayBeTime(text)) {
      const parts = partsOfText(text, this.circle);
      if (parts) return this.writeTime(place, parts);
    }
    if (kind < 0 || this.isOfTexts()) this.setCell(place, kind, text);
  }

  /** Write what a text is by the rules of a file's cells: a gap, a number, or a text without the spaces around it. */
  setCell(place, kind, text) {
    const cell = kind < 0 ? firstCell(text, this.isOfTexts()) : nextCell(text, kind === NUMBER);
    if (cell === null) return this.setHas(place, 0);
    if (typeof cell === "string") return cell === text ? undefined : this.writeText(place, cell);
    this.addNumber(place, cell);
    if (kind < 0) this.core.bytes[this.values + place * VALUE.size + VALUE.kind] = NUMBER;
  }

  /** Write a number beside the text that it was. */
  addNumber(place, x) {
    const at = this.values + place * VALUE.size;
    this.core.doubles[(at + VALUE.number) >>> 3] = x;
    this.core.bytes[at + VALUE.has] |= HAS_NUMBER;
  }

  /** Say whether the row holds texts alone. */
  isOfTexts() {
    return (this.texts ??= isOfTexts(Object.values(this.sample)));
  }

  setTime(place, parts, text) {
    this.writeText(place, text);
    this.writeTime(place, parts);
  }

  writeText(place, text) {
    const { core } = this;
    const bytes = core.text(text);
    const at = this.values + place * VALUE.size;
    core.words[(at + VALUE.row) >>> 2] = 0; // of the text that stood here before
    core.words[(at + VALUE.text) >>> 2] = bytes;
    core.words[(at + VALUE.textSize) >>> 2] = core.written;
    core.bytes[at + VALUE.has] |= HAS_TEXT;
  }

  writeTime(place, parts) {
    const { core } = this;
    const time = core.room(8 * TIME_PARTS);
    const at = this.values + place * VALUE.size;
    core.doubles.set(parts, time >>> 3);
    core.words[(at + VALUE.time) >>> 2] = time;
    core.bytes[at + VALUE.kind] = TIME;
    core.bytes[at + VALUE.has] |= HAS_TIME;
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

/** Return a row and the list of its names. */
export function namesOf(x) {
  if (x instanceof MatrixRow) return [x, x.names];
  const own = x instanceof Map ? objectOf(x) : x;
  return [own, Object.keys(own)];
}

// ---- many rows --------------------------------------------------------------------------------------------------------

/** A row of a matrix; its columns are named x0, x1 and so on, which is their order too. */
export class MatrixRow {
  constructor(data, width) {
    this.data = data;
    this.from = 0;
    this.names = Array.from({ length: width }, (_, j) => `x${j}`);
  }

  asObject() {
    return Object.fromEntries(this.names.map((name, j) => [name, this.data[this.from + j]]));
  }

  /** Write its numbers, if it has no others. */
  write(doubles, at) {
    const { data, from } = this;
    const width = this.names.length;
    for (let j = 0; j < width; j++) {
      const value = data[from + j];
      if (typeof value !== "number") return false;
      doubles[at + j] = value;
    }
    return true;
  }
}

/** Return rows as {length, at(i)}: an array of objects as it is, of a matrix a view that moves on. */
export function rowsOf(X) {
  if (Array.isArray(X)) {
    for (let i = 0; i < X.length; i++) checkSample(X[i], i); // all of them before anything is learned
    return X;
  }
  const { data, shape } = matrixOf(X);
  const row = new MatrixRow(data, shape[1]);
  return { length: shape[0], at: (i) => Object.assign(row, { from: i * shape[1] }) };
}

/** Return numbers and shape of a matrix {data, shape}. */
export function matrixOf(X) {
  const { data, shape } = X ?? {};
  const whole = (size) => Number.isInteger(size) && size >= 0;
  const fits = isMany(data) && Array.isArray(shape) && shape.length === 2 && shape.every(whole);
  if (fits && shape[0] * shape[1] === data.length) return { data, shape };
  const got = isMany(data) ? `${data.length} numbers of shape [${shape}]` : kindOf(X);
  const expected = "an array of objects, or a matrix whose numbers fit its shape";
  const help = "Give e.g. {data: new Float64Array(6), shape: [3, 2]}; for one sample use learnOne.";
  throw new DataError({ expected, got, at: "X", help });
}
