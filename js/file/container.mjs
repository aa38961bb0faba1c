// A model's file: safetensors with a JSON header under the key "headwater", and a digest of the whole with zeros in its place.

import { HeadwaterError, ModelFileError } from "../errors.mjs";
import { dumped, parsed } from "./json.mjs";
import { sha256 } from "./sha256.mjs";

const FORMAT = 2;
const KEY = "headwater";
const BLANK = "0".repeat(64);
const DIGEST_MARK = '\\"sha256\\": \\"'; // as it stands in JSON inside JSON
/** In the order in which safetensors lays them out, and under its names. */
const KINDS = {
  U64: BigUint64Array,
  I64: BigInt64Array,
  F64: Float64Array,
  F32: Float32Array,
  I32: Int32Array,
  U8: Uint8Array,
};

/** Return the bytes of a file: a header, and arrays {name, shape, data}. */
export function sealed(header, arrays) {
  const kinds = Object.values(KINDS);
  const rank = ({ data }) => kinds.indexOf(data.constructor);
  const laid = [...arrays].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  const entries = { __metadata__: { [KEY]: dumped({ sha256: BLANK, format: FORMAT, ...header }) } };
  let end = 0;
  for (const { name, shape, data } of laid) {
    const begin = end;
    end += data.byteLength;
    entries[name] = { dtype: Object.keys(KINDS)[kinds.indexOf(data.constructor)], shape, data_offsets: [begin, end] };
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

/** Return header and arrays of a file's bytes, if they are those that were saved. */
export function opened(bytes, at) {
  const entries = headerOf(bytes, at);
  const text = own(own(entries, "__metadata__"), KEY);
  if (typeof text !== "string") {
    throw new ModelFileError({ expected: "a headwater model", got: "another safetensors file", at, help: "Check the path." });
  }
  if (!isUnaltered(bytes)) {
    const got = "one that is truncated or altered";
    throw new ModelFileError({ expected: "a file as it was saved", got, at, help: "Use another copy." });
  }
  return fitting(at, () => {
    const header = parsed(text);
    if (!(header.format <= FORMAT)) {
      const [expected, got] = [`a model of format ${FORMAT} or earlier`, `format ${header.format}`];
      throw new ModelFileError({ expected, got, at, help: "Update headwater." });
    }
    return { header, arrays: arraysOf(bytes, entries) };
  });
}

/** Say in one sentence when a header doesn't fit what is built from it. */
export function fitting(at, build) {
  try {
    return build();
  } catch (error) {
    const broken = error instanceof WebAssembly.RuntimeError;
    if (broken || error instanceof ModelFileError || (error instanceof HeadwaterError && error.code === "memory")) throw error;
    const got = `one whose header does not fit (${error.message})`;
    throw new ModelFileError({ expected: "a model as headwater saves it", got, at, help: "Use another copy." });
  }
}

/** Return where the arrays begin, behind the header. */
function firstOf(bytes) {
  return 8 + Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true));
}

function headerOf(bytes, at) {
  try {
    const first = firstOf(bytes);
    if (first > bytes.length) throw new RangeError("truncated");
    const entries = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, first)));
    if (entries === null || typeof entries !== "object") throw new TypeError("no header");
    return entries;
  } catch {
    const help = "The file is truncated or no model; use another copy.";
    throw new ModelFileError({ expected: "a safetensors file", got: "something else", at, help });
  }
}

function own(object, name) {
  return object !== null && typeof object === "object" && Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Say whether the file's digest is the one that stands in it. */
function isUnaltered(bytes) {
  const header = new TextDecoder("latin1").decode(bytes.subarray(0, firstOf(bytes))); // one letter a byte
  const found = /\\"sha256\\": \\"([0-9a-f]{64})\\"/.exec(header);
  if (!found) return false;
  const start = found.index + DIGEST_MARK.length;
  const blank = new TextEncoder().encode(BLANK);
  return sha256(bytes.subarray(0, start), blank, bytes.subarray(start + 64)) === found[1];
}

/** Return the arrays by name; each is a copy, and lies inside the file. */
function arraysOf(bytes, entries) {
  const first = firstOf(bytes);
  const arrays = new Map();
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(entries)) {
    if (name === "__metadata__") continue;
    const type = own(KINDS, dtype);
    const whole = (n) => Number.isSafeInteger(n) && n >= 0;
    const known = type && Array.isArray(shape) && shape.length <= 3 && shape.every(whole) && Array.isArray(offsets) && offsets.every(whole);
    const [begin, end] = known ? offsets : [];
    const count = known ? shape.reduce((a, b) => a * b, 1) : NaN;
    if (!known || begin > end || end > bytes.length - first || count * type.BYTES_PER_ELEMENT !== end - begin) {
      throw new TypeError(`${name} is no array of the file`);
    }
    arrays.set(name, { name, shape, data: new type(bytes.slice(first + begin, first + end).buffer) });
  }
  return arrays;
}
