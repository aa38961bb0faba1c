// From a learner to its file: safetensors with a JSON header, as Python writes it.

import { BLANK, FORMAT, KEY, DTYPES } from "./container.mjs";
import { Raw } from "./json.mjs";
import { sha256 } from "./sha256.mjs";

/** Fields that Python keeps as whole numbers; all other numbers are floats there. */
const WHOLE_NUMBERS = ["units", "rows", "steps", "every", "replays", "first_replays", "hidden", "seed", "max_rows", "inputs", "class", "channels", "kernel", "size", "stride", "padding", "memory", "memory_keys"];
/** Lists that Python keeps as lists; all others are tuples there. */
const LISTS = ["layers", "experts"];

/** Return the bytes of a learner's file, from its parts. */
export function modelBytes(name, core, { kept, classes, refused, counts, state }) {
  const header = {
    learner: name,
    core: kept.core ?? core.calls.js_version(),
    settings: kept.settings,
    classes: classes.map((label) => asJson(label, "class")),
    notes: kept.notes ?? {},
    refused: Object.fromEntries(Object.entries(refused).filter(([, count]) => count)),
    engine: counts,
  };
  return sealed(header, [...(state ?? []), ...(kept.sample ? [kept.sample] : [])]);
}

/** Return a setting or a class in the form in which Python writes it: plain values as they are, others tagged. */
export function asJson(value, field) {
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

/** Return the bytes of a file: a header, and arrays {name, shape, data}. */
export function sealed(header, arrays) {
  const kinds = Object.values(DTYPES);
  const rank = ({ data }) => kinds.indexOf(data.constructor);
  const laid = [...arrays].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  const entries = { __metadata__: { [KEY]: dumped({ sha256: BLANK, format: FORMAT, ...header }) } };
  let end = 0;
  for (const { name, shape, data } of laid) {
    const begin = end;
    end += data.byteLength;
    entries[name] = { dtype: Object.keys(DTYPES)[kinds.indexOf(data.constructor)], shape, data_offsets: [begin, end] };
  }
  const text = JSON.stringify(entries);
  const encoded = new TextEncoder().encode(text + " ".repeat((8 - (text.length % 8)) % 8));
  const bytes = new Uint8Array(8 + encoded.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(encoded.length), true);
  bytes.set(encoded, 8);
  let at = 8 + encoded.length;
  for (const { data } of laid) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  bytes.set(new TextEncoder().encode(sha256(bytes)), 8 + text.indexOf(BLANK));
  return bytes;
}

/** Write JSON as Python's json.dumps does. */
export function dumped(value) {
  if (value instanceof Raw) return value.text;
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map(dumped).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value ?? null);
  return `{${Object.entries(value).map(([name, own]) => `${quoted(name)}: ${dumped(own)}`).join(", ")}}`;
}

function quoted(text) {
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // JSON.stringify escapes what JSON must; what lies beyond ASCII is left
  return JSON.stringify(text).replace(/[^\0-~]/g, escape);
}

/** Return a float as Python's float.hex writes it: no digit is lost. */
export function hex(x) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const power = Number((bits >> 52n) & 0x7ffn);
  const digits = (bits & 0xfffffffffffffn).toString(16).padStart(13, "0");
  const sign = bits >> 63n ? "-" : "";
  if (x === 0) return `${sign}0x0.0p+0`;
  const exponent = power ? power - 1023 : -1022;
  return `${sign}0x${power ? 1 : 0}.${digits}p${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
}
