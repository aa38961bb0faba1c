// A model's file: safetensors with a JSON header under the key "headwater", and a digest of the whole with zeros in its place.

import { ModelFileError, NotBuiltError } from "../errors.mjs";
import { parsed } from "./json.mjs";

export const FORMAT = 2;
export const KEY = "headwater";
export const BLANK = "0".repeat(64);
const DIGEST_MARK = '\\"sha256\\": \\"'; // as it stands in JSON inside JSON
/** In the order in which safetensors lays them out, and under its names. */
export const DTYPES = {
  U64: BigUint64Array,
  I64: BigInt64Array,
  F64: Float64Array,
  F32: Float32Array,
  I32: Int32Array,
  U8: Uint8Array,
};

/**
 * Return header and arrays of a file's bytes, if they are those that were saved: `hash` of three parts is asked, which may
 * answer later.
 */
export function opened(bytes, at, hash) {
  const entries = headerOf(bytes, at);
  const text = own(own(entries, "__metadata__"), KEY);
  if (typeof text !== "string") {
    throw new ModelFileError({ expected: "a headwater model", got: "another safetensors file", at, help: "Check the path." });
  }
  const seal = sealOf(bytes);
  const found = seal && hash(...seal.parts);
  const read = (digest) => readIf(seal !== null && digest === seal.digest, bytes, entries, text, at);
  return typeof found?.then === "function" ? found.then(read) : read(found);
}

function readIf(whole, bytes, entries, text, at) {
  if (!whole) {
    const got = "one that is truncated or altered";
    throw new ModelFileError({ expected: "a file as it was saved", got, at, help: "Use another copy." });
  }
  return fitting(at, () => {
    const header = parsed(text);
    if (header.format !== FORMAT) {
      const help = header.format > FORMAT ? "Update headwater." : "headwater 0.1 reads it. Learn the rows again with this version.";
      throw new ModelFileError({ expected: `a model of format ${FORMAT}`, got: `format ${header.format}`, at, help });
    }
    return { header, arrays: widened(arraysOf(bytes, entries), header.packed) };
  });
}

/** Say in one sentence when a header doesn't fit what is built from it. */
export function fitting(at, build) {
  try {
    return build();
  } catch (error) {
    const broken = error instanceof WebAssembly.RuntimeError || error.code === "error"; // or memory lacks
    if (broken || error instanceof ModelFileError || error instanceof NotBuiltError) throw error;
    const got = `one that does not fit (${error.message})`;
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
    const whole = first <= bytes.length;
    const entries = whole && JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, first)));
    if (entries === null || typeof entries !== "object") throw new TypeError("no header");
    return entries;
  } catch {
    const help = "Use another copy.";
    throw new ModelFileError({ expected: "a safetensors file", got: "something else", at, help });
  }
}

function own(object, name) {
  return object !== null && typeof object === "object" && Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Return the digest that stands in a file, and the bytes that it is of, in three parts; null if there is none. */
function sealOf(bytes) {
  const header = new TextDecoder("latin1").decode(bytes.subarray(0, firstOf(bytes))); // one letter a byte
  const found = /\\"sha256\\": \\"([0-9a-f]{64})\\"/.exec(header);
  if (!found) return null;
  const start = found.index + DIGEST_MARK.length;
  return { digest: found[1], parts: [bytes.subarray(0, start), new TextEncoder().encode(BLANK), bytes.subarray(start + 64)] };
}

/** Return the arrays by name; each is a copy, and lies inside the file. */
function arraysOf(bytes, entries) {
  const first = firstOf(bytes);
  const arrays = new Map();
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(entries)) {
    if (name === "__metadata__") continue;
    const type = own(DTYPES, dtype);
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

/**
 * Return arrays as they were before `headwater export` made them smaller: what is left out is zeros; what is packed are whole
 * multiples of a power of two, beginning at `low`, of which the lowest bytes lie first, then the next ones.
 */
function widened(arrays, packed = {}) {
  for (const [name, { dtype, shape, bits, low }] of Object.entries(packed)) {
    const n = shape.reduce((a, b) => a * b, 1);
    const bytes = arrays.get(name)?.data;
    let data = new DTYPES[dtype](n);
    for (let at = bytes?.length - n; n && at >= 0; at -= n) data = data.map((whole, i) => 256 * whole + bytes[at + i]);
    if (bytes) data = data.map((whole) => (whole + low) / 2 ** bits);
    arrays.set(name, { name, shape, data });
  }
  return arrays;
}
