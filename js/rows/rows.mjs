// A row as the core reads it: values in the order of their names, written into its memory.

import { CATEGORY, HAS_NUMBER, HAS_TEXT, HAS_TIME, NUMBER, TIME, TIME_PARTS, VALUE } from "../core.mjs";
import { mayBeTime, partsOfDate, partsOfText, textOfDate } from "./times.mjs";
import { asNumber, firstCell, floatOf, isMany, isMapping, isOfTexts, nextCell, objectOf, textOfNumber } from "./values.mjs";

const DEPTH = 8;

/** Writes rows for one learner. */
export class Reader {
  constructor(core, learner) {
    this.core = core;
    this.learner = learner;
    this.unusable = 0;
    this.last = []; // the keys of the last row
    this.columns = new Map(); // number of the column of each name that was met in rows without a plan
    this.kinds = []; // of the columns, by their numbers
    this.fresh = []; // places of the last row whose columns were not known
    this.ordered = 0; // 1: values stand in the order of their names, as a plan lays them
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
    return [this.values, this.kept];
  }

  // ---- rows -----------------------------------------------------------------------------------------------------------

  /** Write a row; `learn`: values of no usable type are counted. */
  read(x, keys, learn, texts) {
    this.core.clear();
    this.used = keys.length;
    this.sample = x;
    this.texts = texts;
    this.readLoose(x, keys, learn);
  }

  /** Write a row whose names are known by their columns' numbers, in any order. */
  readLoose(x, keys, learn) {
    const { core, columns } = this;
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
    for (const place of this.fresh) {
      const column = this.columnAt(place);
      if (column < 0) continue;
      this.columns.set(this.last[place], column);
      this.kinds[column] = this.core.calls.hw_column_kind(this.learner, column);
    }
    this.fresh.length = 0;
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

/** Return a row and the list of its names. */
export function namesOf(x) {
  const own = x instanceof Map ? objectOf(x) : x;
  return [own, Object.keys(own)];
}
