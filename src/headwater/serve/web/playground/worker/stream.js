// Points in the order in which they come: drawn without end, a training set over and over, or the rows of a table; and the points
// held out for the test, which are never learned.
import { ANGLES, turned } from "./planes.js";
import { Random } from "./random.js";

const TEST = 200;
const [DRAWN, JITTER, HELD_OUT, ORDER] = [0, 1, 2, 3]; // parts of a seed

export class Stream {
  t = 0;
  drift = "none";
  every = 1;
  #since = 0;
  #next = 0;
  #order = [];

  /** @param source a plane, or a table with the same fields and `rows`; `points`: of a training set, 0 for a stream without end. */
  constructor(source, seed, points) {
    this.source = source;
    this.points = points;
    this.random = new Random(seed, DRAWN);
    this.jitter = new Random(seed, JITTER);
    this.shuffle = new Random(seed, ORDER);
    const held = new Random(seed, HELD_OUT);
    this.heldOut = (source.test ?? Array.from({ length: TEST }, () => source.draw(held))).map((point) => [...point, held.normal(), held.normal()]);
    this.set = points && !source.rows ? Array.from({ length: points }, () => this.#drawn(source.draw(this.random))) : null;
  }

  /** Let the concept drift from here on: a quarter turn in so many points. */
  turn(drift, every) {
    if (drift === this.drift && every === this.every) return;
    Object.assign(this, { drift, every });
    this.#since = this.t;
  }

  /** By what angle the plane is turned at the next point. A training set stands still. */
  get angle() {
    return this.set ? 0 : ANGLES[this.drift](this.t - this.#since, this.every);
  }

  /** The next point with its answer: [x1, x2, y]. */
  take(noise) {
    const point = this.#moved(this.#raw(), noise, this.angle);
    this.t += 1;
    return point;
  }

  /** The training set as it stands, or null. */
  training(noise) {
    return this.set && this.set.map((point) => this.#moved(point, noise, 0));
  }

  /** The points held out, of the concept as it is at an angle. */
  test(noise, angle) {
    return this.heldOut.map((point) => this.#moved(point, noise, angle));
  }

  #drawn(point) {
    return [...point, this.jitter.normal(), this.jitter.normal()];
  }

  #raw() {
    const { source, set } = this;
    if (source.rows) return this.#drawn(source.rows[this.#next++ % source.rows.length]);
    if (!set) return this.#drawn(source.draw(this.random));
    if (this.#next % set.length === 0) this.#order = this.#shuffled(set.length);
    return set[this.#order[this.#next++ % set.length]];
  }

  #shuffled(n) {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.shuffle.below(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  #moved([x, y, answer, dx, dy], noise, angle) {
    return [...turned([x + noise * dx, y + noise * dy], angle, this.source.pivot), answer];
  }
}
