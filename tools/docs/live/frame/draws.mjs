// Draws that come out the same each time: mulberry32, and normal ones by the polar method.

export class Draws {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /** Between 0 and 1. */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  normal() {
    for (;;) {
      const [u, v] = [2 * this.next() - 1, 2 * this.next() - 1];
      const s = u * u + v * v;
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s);
    }
  }

  /** A whole number below n. */
  below(n) {
    return Math.floor(n * this.next());
  }

  /** The numbers below n in a drawn order. */
  order(n) {
    const out = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }
}
