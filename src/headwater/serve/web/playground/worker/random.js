// Draws from a seed: sfc32 (Doty-Humphrey, PractRand), begun with splitmix.

export class Random {
  #a;
  #b;
  #c;
  #count = 1;

  /** @param {number} seed which stream of draws; `part` tells several of one seed apart. */
  constructor(seed, part) {
    let state = (seed ^ Math.imul(part + 1, 0x9e3779b9)) | 0;
    const next = () => {
      state = (state + 0x9e3779b9) | 0;
      const x = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      const y = Math.imul(x ^ (x >>> 15), 0x735a2d97);
      return y ^ (y >>> 15);
    };
    [this.#a, this.#b, this.#c] = [next(), next(), next()];
    for (let i = 0; i < 12; i++) this.bits();
  }

  bits() {
    const out = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + out) | 0;
    return out >>> 0;
  }

  /** A number from low to high. */
  uniform(low = 0, high = 1) {
    return low + ((high - low) * (this.bits() + 0.5)) / 2 ** 32;
  }

  /** A whole number below n. */
  below(n) {
    return Math.floor(this.uniform(0, n));
  }

  /** A normal number: Box & Muller 1958. */
  normal() {
    return Math.sqrt(-2 * Math.log(this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}
