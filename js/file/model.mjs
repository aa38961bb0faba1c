// From a learner to its file and back: settings, classes and counts as JSON, and all that learning changes as arrays.

import { sealed } from "./container.mjs";
import { FIELDS, made } from "../declare/declare.mjs";
import { Raw, hex, unhex } from "./json.mjs";

/** Fields that Python keeps as whole numbers; all other numbers are floats there. */
const WHOLE_NUMBERS = ["units", "rows", "steps", "every", "replays", "first_replays", "hidden", "seed", "max_rows", "inputs", "class", "channels", "kernel", "size", "stride", "padding", "memory", "memory_keys"];
/** Lists that Python keeps as lists; all others are tuples there. */
const LISTS = ["layers", "experts"];

/** Version of the core that wrote the files which name none. */
const FIRST_CORE = 2;

/** Return the bytes of a learner's file. */
export function modelBytes(name, { core, settings, refused, engine, kept }, classes) {
  const counts = engine && { unusable: engine.reader.unusable };
  const header = {
    learner: name,
    core: kept.core ?? core.calls.js_version(1),
    settings: kept.settings ?? settingsAsJson(settings),
    classes: classes.map((label) => asJson(label, "class")),
    notes: kept.notes ?? {},
    refused: positive(refused),
    engine: counts,
  };
  return sealed(header, [...(engine?.state() ?? []), ...(kept.sample ? [kept.sample] : [])]);
}

function positive(counts) {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count));
}

/** Return what stands in the header of a Classifier's or Regressor's file, and its arrays in the core's order. */
export function modelParts(header, arrays, smallest) {
  const { settings, core = FIRST_CORE, classes = [], notes = {}, refused, engine } = header;
  return {
    settings: { text: null, ...settingsFromJson(settings) }, // files of the first versions have no columns of text
    kept: { settings, core: countOf(core), notes, sample: arrays.get("sample") },
    classes: classes.map(fromJson),
    refused: countsOf(refused),
    counts: engine && { unusable: countOf(engine.unusable) },
    state: engine && stateOf(arrays, smallest),
  };
}

/** Return the arrays of a state in the core's order. Those of kinds that an older version didn't have stand as in the smallest. */
export function stateOf(arrays, smallest) {
  return smallest.map((own) => {
    const array = arrays.get(own.name) ?? (/^(forecast|bandit|text|unit|tile|succes)/.test(own.name) ? own : null);
    if (!array) throw new TypeError(`no ${own.name}`);
    return array;
  });
}

export function settingsAsJson(settings) {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, asJson(value, name)]));
}

export function settingsFromJson(settings) {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, fromJson(value)]));
}

function countsOf(counts) {
  return Object.fromEntries(Object.entries(counts).map(([reason, count]) => [reason, countOf(count)]));
}

function countOf(count) {
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new TypeError(`${count} is no count`);
}

/** Return a setting or a class in the form in which Python writes it: plain values as they are, others tagged. */
function asJson(value, field) {
  if (typeof value === "number") {
    return WHOLE_NUMBERS.includes(field) && Number.isSafeInteger(value) ? value : { float: hex(value) };
  }
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return { bytes: Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("") };
  if (Array.isArray(value)) {
    return { [LISTS.includes(field) ? "list" : "tuple"]: value.map((item) => asJson(item, field)) };
  }
  const { class: name, ...fields } = value;
  if (name === undefined) return { dict: Object.entries(value).map(([own, item]) => [own, asJson(item, own)]) };
  const inner = Object.entries(fields).map(([own, item]) => [own, asJson(item, own === "layers" ? "layers of an expert" : own)]);
  return { class: name, fields: Object.fromEntries(inner) };
}

/** Return what `asJson` was given. */
function fromJson(value) {
  if (value instanceof Raw) return /^-?\d+$/.test(value.text) ? wholeOf(value.text) : Number(value.text);
  if (value === null || typeof value !== "object") return value;
  if (Object.hasOwn(value, "float")) return unhex(value.float);
  if (Object.hasOwn(value, "tuple")) return value.tuple.map(fromJson);
  if (Object.hasOwn(value, "list")) return value.list.map(fromJson);
  if (Object.hasOwn(value, "dict")) return Object.fromEntries(value.dict.map(([name, item]) => [fromJson(name), fromJson(item)]));
  if (Object.hasOwn(value, "bytes")) return bytesOfHex(value.bytes);
  if (!Object.hasOwn(FIELDS, value.class)) throw new TypeError(`${value.class} is unknown`);
  return made(value.class, settingsFromJson(value.fields));
}

function wholeOf(text) {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

function bytesOfHex(text) {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new TypeError(`${text} are no bytes`);
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
