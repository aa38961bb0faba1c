// The prequential score beside simple guesses: every answer is compared with what was said before it was learned.

const keyOf = (label) => (typeof label === "string" ? `text ${label}` : String(Array.isArray(label) ? JSON.stringify(label) : Number(label)));

export class Scores {
  n = 0;
  own = 0; // right answers, or the sum of absolute errors
  #guesses = { constant: 0, last: 0 };
  #counts = new Map();
  #best = null;
  #sum = 0;
  #last = null;

  constructor(numbers) {
    this.numbers = numbers;
  }

  add(y, predicted) {
    this.n += 1;
    if (this.numbers) this.#addNumber(y, predicted);
    else this.#addClass(keyOf(y), predicted === null ? null : keyOf(predicted));
  }

  #addNumber(y, predicted) {
    this.own += Math.abs(y - predicted);
    const seen = this.n - 1;
    this.#guesses.constant += Math.abs(y - (seen ? this.#sum / seen : 0));
    this.#guesses.last += Math.abs(y - (this.#last ?? 0));
    this.#sum += y;
    this.#last = y;
  }

  #addClass(y, predicted) {
    this.own += y === predicted ? 1 : 0;
    this.#guesses.constant += y === this.#best ? 1 : 0;
    this.#guesses.last += y === this.#last ? 1 : 0;
    const count = (this.#counts.get(y) ?? 0) + 1;
    this.#counts.set(y, count);
    if (count > (this.#counts.get(this.#best) ?? 0)) this.#best = y;
    this.#last = y;
  }

  /** {numbers, n, own, guess, state}: means over all answers; the better of the two guesses. */
  get said() {
    const { constant, last } = this.#guesses;
    const [own, guess] = [this.own, this.numbers ? Math.min(constant, last) : Math.max(constant, last)].map((sum) => sum / this.n);
    const gain = this.numbers ? guess - own : own - guess;
    return { numbers: this.numbers, n: this.n, own, guess, state: gain > 0 ? "ahead" : gain < 0 ? "behind" : "even" };
  }
}
