// How a net does beside simple baselines, on each sample before it is learned.

const FADE = 0.99; // about the last hundred samples
const WINDOW = 200;
const EVERY = 5; // samples between two points of the curve
const LEAST = 1e-7; // a probability of 0 would cost infinitely much
const MOST = 1e6;

const within = (p) => (Number.isFinite(p) ? Math.min(Math.max(p, LEAST), 1) : LEAST);

/** Place of the largest number. */
const most = (values) => values.reduce((best, value, k) => (value > values[best] ? k : best), 0);

/** The probability of each class, of a net's outputs. */
const proba = (p) => (p.length === 1 ? [1 - p[0], p[0]] : p);

/** What a prediction costs, and whether it is right; p are the net's outputs, classes how many there are (0: regression). */
export function judged(p, y, classes) {
  if (!classes) return { loss: Math.min(((Number.isFinite(p[0]) ? p[0] : MOST) - y) ** 2, MOST), right: false };
  const shares = proba(p);
  return { loss: -Math.log(within(shares[y])), right: most(shares) === y };
}

/**
 * Losses and hits of the net and of two baselines: the frequencies (or the mean) so far, and the last answer again. The second knows how
 * often the answer has stayed the same, a; it gives the last class the probability a, and the others the rest. So its log loss is finite.
 */
export class Scores {
  curve = [];
  #n = 0;
  #loss = [0, 0, 0];
  #mass = 0;
  #mean = 0;
  #last = null;
  #stayed = 1;
  #changed = 1;
  #hits = [];

  constructor(classes) {
    this.classes = classes;
    this.counts = new Array(classes).fill(1);
  }

  /** Score a prediction made before its sample was learned. */
  take(p, y) {
    const { loss, right } = judged(p, y, this.classes);
    const [others, hits] = this.classes ? this.#classify(y) : this.#regress(y);
    [loss, ...others].forEach((value, k) => { this.#loss[k] = FADE * this.#loss[k] + Math.min(value, MOST); });
    this.#mass = FADE * this.#mass + 1;
    this.#hits.push([right, ...hits]);
    if (this.#hits.length > WINDOW) this.#hits.shift();
    this.#n += 1;
    if (this.#n % EVERY === 0) this.curve.push([this.#n, ...this.#loss.map((value) => value / this.#mass)]);
  }

  /** Loss, and for classes accuracy, over the last samples: of the net, of the frequencies, of the last answer. */
  now() {
    if (!this.#n) return { loss: null, accuracy: null };
    const share = (k) => this.#hits.filter((hit) => hit[k]).length / this.#hits.length;
    return { loss: this.#loss.map((value) => value / this.#mass), accuracy: this.classes ? [0, 1, 2].map(share) : null };
  }

  #classify(y) {
    const { counts, classes } = this, last = this.#last, same = last === y;
    const stay = this.#stayed / (this.#stayed + this.#changed);
    const again = last === null ? 1 / classes : same ? stay : (1 - stay) / (classes - 1);
    const prior = counts[y] / counts.reduce((a, b) => a + b);
    const hits = [most(counts) === y, same];
    if (last !== null) { if (same) this.#stayed += 1; else this.#changed += 1; }
    counts[y] += 1;
    this.#last = y;
    return [[-Math.log(prior), -Math.log(within(again))], hits];
  }

  #regress(y) {
    const guesses = [this.#mean, this.#last ?? 0];
    this.#mean += (y - this.#mean) / (this.#n + 1);
    this.#last = y;
    return [guesses.map((guess) => (guess - y) ** 2), [false, false]];
  }
}
