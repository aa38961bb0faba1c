// From a file to a learner: classes and counts as JSON, and all that learning changes as arrays. What its settings say is read in
// settings.mjs, where something is declared by them; save.mjs writes it.

import { ModelFileError } from "../errors.mjs";
import { Raw, unhex } from "./json.mjs";

/** Version of the core that wrote the files which name none. */
const FIRST_CORE = 2;
const ROLLING = { expected: "a model without rolling", got: "rolling", at: "settings", help: "Use headwater serve." };

/** Return the parts of a learner that stand in a file's header, and its arrays in the core's order. */
export function modelParts(header, arrays, core) {
  const { settings, core: version = FIRST_CORE, classes = [], notes = {}, refused, engine } = header;
  const { loss, dtype } = settings;
  if (settings.rolling) throw new ModelFileError(ROLLING);
  return {
    setup: { loss: typeof loss === "string" ? loss : loss.fields.name, dtype },
    kept: { settings, core: countOf(version), notes, sample: arrays.get("sample") },
    classes: classes.map((label) => fromJson(label)),
    refused: Object.fromEntries(Object.entries(refused).map(([reason, count]) => [reason, countOf(count)])),
    counts: engine && { unusable: countOf(engine.unusable) },
    state: engine && stateOf(arrays, core),
  };
}

/** Return the arrays of a state in the core's order. Those of kinds that an older version didn't have are empty. */
export function stateOf(arrays, core) {
  return core.arrays.map((own) => {
    const array = arrays.get(own.name) ?? (/^(forecast|bandit|text|unit|tile|succes|relevance)/.test(own.name) ? own : null);
    if (!array) throw new TypeError(`no ${own.name}`);
    return array;
  });
}

function countOf(count) {
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new TypeError(`${count} is no count`);
}

/** Return what `asJson` (save.mjs) was given; `made` makes what was declared, of a class. */
export function fromJson(value, made) {
  const inner = (one) => fromJson(one, made);
  if (value instanceof Raw) return /^-?\d+$/.test(value.text) ? wholeOf(value.text) : Number(value.text);
  if (value === null || typeof value !== "object") return value;
  if (Object.hasOwn(value, "float")) return unhex(value.float);
  if (Object.hasOwn(value, "tuple")) return value.tuple.map(inner);
  if (Object.hasOwn(value, "list")) return value.list.map(inner);
  if (Object.hasOwn(value, "dict")) return Object.fromEntries(value.dict.map(([name, item]) => [inner(name), inner(item)]));
  if (Object.hasOwn(value, "bytes")) return bytesOfHex(value.bytes);
  if (!made) throw new TypeError(`${value.class} is no class`);
  return made(value.class, value.fields);
}

function wholeOf(text) {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

function bytesOfHex(text) {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new TypeError(`${text} are no bytes`);
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
