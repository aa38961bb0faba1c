// headwater.wasm in JavaScript's hands: its memory, its texts, and what it says when something is wrong.

import { HeadwaterError, NotBuiltError, kindOf } from "./errors.mjs";

/** Places in the structs of headwater.h; bridge.c checks them. */
export const VALUE = { size: 40, kind: 4, has: 5, row: 8, nameSize: 12, textSize: 16, name: 20, text: 24, time: 28, number: 32 };
export const ARRAY = { size: 48, type: 4, dimensions: 12, shape: 16, data: 40 };
export const [NUMBER, CATEGORY, TIME] = [0, 1, 2];
export const [HAS_NUMBER, HAS_TEXT, HAS_TIME] = [1, 2, 4];
export const TIME_PARTS = 7;
const MOST_BYTES = 2 ** 28;

export const NO_MEMORY = -101;
const TOO_LARGE = -105;
const NOT_BUILT = -106;
/** What a build of the core can do: predict; learn too, as the default pools do; all. */
export const [PREDICTS, LEARNS, WHOLE] = [1, 2, 3];
const TYPES = [Uint8Array, Int32Array, BigInt64Array, BigUint64Array, Float32Array, Float64Array];

/** Read a build of the core from wherever it is, and compile it. */
export async function compiled(source) {
  const given = await source;
  if (given instanceof WebAssembly.Module) return given;
  const bytes = await contentOf(given, "headwater.wasm");
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    const help = "Check the file; it needs SIMD.";
    throw new HeadwaterError({ expected: "headwater.wasm", got: error.message, at: "load", help });
  }
}

/** Return the bytes of what was given: bytes, an address or a response. */
export async function contentOf(source, expected) {
  const given = await source;
  const found = typeof given === "string" || given instanceof URL ? await fetched(given, expected) : given;
  if (found?.ok === false) {
    throw new HeadwaterError({ expected, got: `HTTP ${found.status}`, at: found.url, help: "Check the address." });
  }
  const bytes = typeof found?.arrayBuffer === "function" ? await found.arrayBuffer() : found;
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  const help = "Give bytes or an address.";
  throw new HeadwaterError({ expected: `the bytes of ${expected}`, got: kindOf(bytes), at: "load", help });
}

async function fetched(address, expected) {
  const url = String(address);
  const local = url.startsWith("file:") || !/^[a-z][a-z0-9+.-]+:/i.test(url);
  if (!local || !globalThis.process?.getBuiltinModule) return fetch(url);
  // No import, since a bundler for browsers would look for this module.
  const { readFile } = globalThis.process.getBuiltinModule("node:fs/promises");
  return readFile(url.startsWith("file:") ? new URL(url) : url).catch((error) => {
    throw new HeadwaterError({ expected, got: error.code, at: url, help: "Check the path." });
  });
}

/** One instance of headwater.wasm. Its memory may move with every call that asks for more: views are looked up anew then. */
export class Core {
  constructor(instance) {
    this.calls = instance.exports;
    this.memory = instance.exports.memory;
    this.calls._initialize?.();
    this.look();
    this.staging = this.take(64);
    this.chunk = { at: this.take(4096), room: 4096, used: 0 };
    this.older = [];
    this.busy = false;
    // memory that belongs to objects of JavaScript, for when they are gone
    this.forgotten = new FinalizationRegistry((free) => free());
  }

  // ---- memory ---------------------------------------------------------------------------------------------------------

  look() {
    const { buffer } = this.memory;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.floats = new Float32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }

  /** Look for memory that may have moved: after whatever may have asked for more. */
  settle() {
    if (this.bytes.length === 0) this.look();
  }

  /** Take so many bytes, on a border of 16. */
  take(bytes) {
    const at = bytes < 2 ** 31 ? this.calls.malloc(Math.max(bytes, 1)) : 0;
    this.settle();
    if (!at) throw noMemory(`${bytes} bytes`);
    return at >>> 0;
  }

  free(at) {
    this.calls.free(at);
  }

  /** Copy numbers into memory of their own, and return where they lie. */
  copied(numbers) {
    const at = this.take(numbers.byteLength);
    this.bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), at);
    return at;
  }

  // ---- texts ----------------------------------------------------------------------------------------------------------
  // Texts of a row lie one behind the other; what does not fit gets a chunk of its own, so that nothing moves.

  /** Forget the texts of the row before. */
  clear() {
    for (const at of this.older) this.free(at);
    this.older.length = 0;
    this.chunk.used = 0;
  }

  /** Room for so many bytes until the next row. */
  room(bytes) {
    const { chunk } = this;
    if (chunk.used + bytes > chunk.room) {
      const room = Math.max(2 * chunk.room, bytes);
      const at = this.take(room);
      this.older.push(chunk.at);
      Object.assign(chunk, { at, room, used: 0 });
    }
    const at = chunk.at + chunk.used;
    chunk.used += up(bytes);
    return at;
  }

  /** Write a text of this row; returns where it lies. Its length is `this.written`. */
  text(text) {
    const n = text.length;
    if (n > MOST_BYTES) throw new HeadwaterError(tooLong(n));
    const at = this.room(3 * n);
    this.written = this.write(text, at) - at;
    this.chunk.used = up(at - this.chunk.at + this.written);
    return at;
  }

  /** Write a text as UTF-8, halves of pairs too, as Python does; returns where it ends. */
  write(text, at) {
    const { bytes } = this;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x80) {
        bytes[at++] = unit;
        continue;
      }
      const point = text.codePointAt(i);
      at = writeUnit(bytes, at, point);
      if (point > 0xffff) i++;
    }
    return at;
  }

  /** Read a text that ends with a zero. */
  readText(at) {
    let end = at;
    while (this.bytes[end]) end++;
    return String.fromCharCode(...this.bytes.subarray(at, end));
  }

  /** Read a text of so many bytes. */
  decoded(at, size) {
    return new TextDecoder().decode(this.bytes.slice(at, at + size));
  }

  // ---- turns ----------------------------------------------------------------------------------------------------------

  /** Begin a call that reads a row; a value of the row may not call a learner in its turn. */
  enter() {
    if (!this.busy) {
      this.busy = true;
      return;
    }
    const got = "another from a value of the sample";
    throw new HeadwaterError({ expected: "one call at a time", got, help: "Give plain values." });
  }

  leave() {
    this.busy = false;
  }

  // ---- learners -------------------------------------------------------------------------------------------------------

  /** Make a learner from the arrays of a saved one: {name, shape, data}, in the order of the core's list. */
  restore(arrays) {
    const taken = [];
    const take = (at) => (taken.push(at), at);
    try {
      const list = take(this.take(arrays.length * ARRAY.size));
      arrays.forEach(({ name, shape, data }, i) => {
        const text = new TextEncoder().encode(`${name}\0`);
        const [own, numbers] = [take(this.copied(text)), take(this.copied(data))];
        const view = new DataView(this.memory.buffer, list + i * ARRAY.size, ARRAY.size);
        view.setUint32(0, own, true);
        view.setInt32(ARRAY.type, TYPES.indexOf(data.constructor), true);
        view.setInt32(ARRAY.dimensions, shape.length, true);
        for (let k = 0; k < 3; k++) view.setBigInt64(ARRAY.shape + 8 * k, BigInt(shape[k] ?? 1), true);
        view.setUint32(ARRAY.data, numbers, true);
      });
      const learner = this.calls.js_restore(list, arrays.length, ...randomWords());
      this.settle();
      return learner || this.refuse();
    } finally {
      for (const at of taken) this.free(at);
    }
  }

  /** Read an array that the core has described in the staging area; a copy. */
  described() {
    const view = new DataView(this.memory.buffer, this.staging, ARRAY.size);
    const type = TYPES[view.getInt32(ARRAY.type, true)];
    const dimensions = view.getInt32(ARRAY.dimensions, true);
    const shape = Array.from({ length: dimensions }, (_, k) => Number(view.getBigInt64(ARRAY.shape + 8 * k, true)));
    const [count, at] = [shape.reduce((a, b) => a * b, 1), view.getUint32(ARRAY.data, true)];
    const data = count ? new type(this.memory.buffer, at, count).slice() : new type(0);
    return { name: this.readText(view.getUint32(0, true)), shape, data };
  }

  /** The arrays of a state in their order, without numbers. */
  get arrays() {
    this.blank ??= Array.from({ length: this.calls.hw_states() }, (_, i) => {
      this.calls.js_array(i, this.staging);
      return this.described();
    });
    return this.blank;
  }

  /** One array by name, a copy; null if there is none. */
  array(learner, name) {
    return this.view(learner, name) < 0 ? null : this.described();
  }

  /** Have the core describe an array in the staging area. */
  view(learner, name) {
    const at = this.copied(new TextEncoder().encode(`${name}\0`));
    const status = this.calls.hw_view(learner, at, this.staging);
    this.free(at);
    return status;
  }

  // ---- errors ---------------------------------------------------------------------------------------------------------

  /** Raise what keeps a learner from being made: the whole core says what is wrong, a smaller one that it lacks something. */
  refuse() {
    throw new NotBuiltError("the model");
  }

  /** Return what a call returned, or raise what it means. */
  check(status) {
    this.settle();
    if (status >= 0) return status;
    if (status === NO_MEMORY) throw noMemory("what was asked for");
    if (status === NOT_BUILT) throw new NotBuiltError("a sample");
    const [expected, got, help] =
      status === TOO_LARGE
        ? ["a sample within the limits", "a larger one", "Give less at once."]
        : ["numbers that fit this learner", "other ones", "Check what was given."];
    throw new HeadwaterError({ expected, got, at: "headwater.wasm", help });
  }
}

/** Return a number of bytes, up to whole doubles; places lie beyond 2³¹ too, where `&` does not reach. */
function up(bytes) {
  return Math.ceil(bytes / 8) * 8;
}

/** Write a character that is not ASCII; returns where the next one comes. */
function writeUnit(bytes, to, point) {
  let more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  bytes[to++] = (0xf0 << (3 - more)) | (point >> (6 * more)); // a byte keeps its lowest bits
  while (more--) bytes[to++] = 0x80 | ((point >> (6 * more)) & 63);
  return to;
}

export function noMemory(got) {
  const help = "Use fewer units, or free() other learners.";
  return new HeadwaterError({ expected: "memory that WebAssembly can give", got: `no room for ${got}`, help });
}

function tooLong(n) {
  return { expected: `a text of at most ${MOST_BYTES} bytes`, got: String(n), at: "a sample", help: "Cut it." };
}

/** Two words that nobody can guess: they order hash tables, so that no names can be chosen to collide, and change no result. */
export function randomWords() {
  const words = new Uint32Array(2);
  if (globalThis.crypto?.getRandomValues) return globalThis.crypto.getRandomValues(words);
  return words.map(() => Math.random() * 2 ** 32);
}
