// SHA-256 (FIPS 180-4): WebCrypto's answers later only, and not on every page.

const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
/** The first 32 bits of the fractional parts of roots of the first primes. */
const fraction = (x) => Math.floor((x % 1) * 2 ** 32) | 0;
const K = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
const START = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));

/** Return the digest of bytes, given in pieces, as text. */
export function sha256(...pieces) {
  const h = Int32Array.from(START);
  const block = new Uint8Array(64);
  const w = new Int32Array(64);
  let used = 0;
  let length = 0;
  for (const piece of pieces) {
    length += piece.length;
    let at = 0;
    while (at < piece.length) {
      if (used === 0 && piece.length - at >= 64) {
        digest(h, w, piece, at);
        at += 64;
        continue;
      }
      const n = Math.min(64 - used, piece.length - at);
      block.set(piece.subarray(at, at + n), used);
      used += n;
      at += n;
      if (used === 64) {
        digest(h, w, block, 0);
        used = 0;
      }
    }
  }
  block.fill(0, used);
  block[used] = 0x80;
  if (used >= 56) {
    digest(h, w, block, 0);
    block.fill(0);
  }
  new DataView(block.buffer).setBigUint64(56, BigInt(length) * 8n);
  digest(h, w, block, 0);
  return Array.from(h, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** Mix the 64 bytes from `at` on into h. */
function digest(h, w, bytes, at) {
  for (let t = 0; t < 16; t++, at += 4) {
    w[t] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let t = 16; t < 64; t++) {
    const a = w[t - 15];
    const b = w[t - 2];
    const low = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3);
    const high = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10);
    w[t] = (w[t - 16] + low + w[t - 7] + high) | 0;
  }
  let a = h[0];
  let b = h[1];
  let c = h[2];
  let d = h[3];
  let e = h[4];
  let f = h[5];
  let g = h[6];
  let i = h[7];
  for (let t = 0; t < 64; t++) {
    const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const first = (i + high + ((e & f) ^ (~e & g)) + K[t] + w[t]) | 0;
    const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    i = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  h[0] += a;
  h[1] += b;
  h[2] += c;
  h[3] += d;
  h[4] += e;
  h[5] += f;
  h[6] += g;
  h[7] += i;
}
