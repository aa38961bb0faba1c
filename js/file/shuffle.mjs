// The state of the generator that Python's Network.fit shuffles with, numpy.random.default_rng([seed, 1]): part of its file.

const POOL = 4;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const BITS = 128;

/** Return the state of PCG64 as NumPy says it, before the first draw. */
export function shuffleState(seed) {
  const words = generated(mixed([...wordsOf(BigInt(seed)), 1]), 8);
  const [start, sequence] = [0, 4].map((i) => (join(words, i) << 64n) | join(words, i + 2));
  const wrap = (x) => BigInt.asUintN(BITS, x);
  const inc = wrap((sequence << 1n) | 1n);
  const state = wrap(wrap(inc + start) * MULTIPLIER + inc);
  return { bit_generator: "PCG64", state: { state, inc }, has_uint32: 0, uinteger: 0 };
}

/** Two words as one of 64 bits. */
function join(words, i) {
  return (BigInt(words[i + 1]) << 32n) | BigInt(words[i]);
}

/** A whole number as words of 32 bits, the lowest first. */
function wordsOf(number) {
  const words = [Number(number & 0xffffffffn)];
  for (let rest = number >> 32n; rest; rest >>= 32n) words.push(Number(rest & 0xffffffffn));
  return words;
}

const fold = (x) => (x ^ (x >>> 16)) >>> 0;
const mix = (x, y) => fold((Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0);

/** Return a function that hashes words, each with the next constant of a row. */
function hasher(start, multiplier) {
  let constant = start;
  return (word) => {
    const x = word ^ constant;
    constant = Math.imul(constant, multiplier) >>> 0;
    return fold(Math.imul(x, constant) >>> 0);
  };
}

/** Mix words into a pool of four, as NumPy's SeedSequence does (O'Neill 2015). */
function mixed(words) {
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = Array.from({ length: POOL }, (_, i) => hash(words[i] ?? 0));
  for (let from = 0; from < POOL; from++) {
    for (let to = 0; to < POOL; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  }
  for (const word of words.slice(POOL)) for (let to = 0; to < POOL; to++) pool[to] = mix(pool[to], hash(word));
  return pool;
}

function generated(pool, count) {
  const hash = hasher(0x8b51f9dd, 0x58f38ded);
  return Array.from({ length: count }, (_, i) => hash(pool[i % POOL]));
}
