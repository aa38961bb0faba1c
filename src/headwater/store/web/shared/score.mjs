// The prequential score beside simple guesses: every answer is compared with what was said before it was learned.

const WINDOW = 1000; // answers that the recent score is over
const keyOf = (label) => (typeof label === "string" ? `text ${label}` : String(Array.isArray(label) ? JSON.stringify(label) : Number(label)));

export class Scores {
  n = 0;
  #sums = [0, 0, 0]; // of the model, of repeating the last answer, of the usual one: right answers, or absolute errors
  #window = [];
  #counts = new Map();
  #best = null;
  #sum = 0;
  #last = null;

  constructor(numbers) {
    this.numbers = numbers;
  }

  add(y, predicted) {
    const row = this.numbers ? this.#ofNumber(y, predicted) : this.#ofClass(keyOf(y), predicted === null ? null : keyOf(predicted));
    this.n += 1;
    this.#sums = this.#sums.map((sum, i) => sum + row[i]);
    this.#window.push(row);
    if (this.#window.length > WINDOW) this.#window.shift();
  }

  #ofNumber(y, predicted) {
    const row = [predicted, this.#last ?? 0, this.n ? this.#sum / this.n : 0].map((guess) => Math.abs(y - guess));
    this.#sum += y;
    this.#last = y;
    return row;
  }

  #ofClass(y, predicted) {
    const row = [predicted, this.#last, this.#best].map((guess) => (y === guess ? 1 : 0));
    const count = (this.#counts.get(y) ?? 0) + 1;
    this.#counts.set(y, count);
    if (count > (this.#counts.get(this.#best) ?? 0)) this.#best = y;
    this.#last = y;
    return row;
  }

  /** What the verdict compares (verdict.mjs): over the last answers and over all since the page was opened. */
  get said() {
    const recent = this.#window.reduce((sums, row) => sums.map((sum, i) => sum + row[i]), [0, 0, 0]);
    const [metric, phrase, usual] = this.numbers ? ["mae", "error", "mean"] : ["accuracy", "share", "majority"];
    const span = (n, [model, last, other]) => ({ n, model: model / n, guesses: { "no-change": last / n, [usual]: other / n } });
    return { metric, phrase, more_is_better: !this.numbers, unit: "rows", output: "", recent: span(this.#window.length, recent), overall: span(this.n, this.#sums) };
  }
}
