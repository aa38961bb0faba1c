// The forecaster of a series: it learns each value as it comes, and says at any time what the next ones will be.

import { ConfigError, shown } from "../../errors.mjs";
import { FARTHEST } from "../predictor.mjs";
import { numberOf, refuse } from "../../rows/guards.mjs";
import { KindLearner } from "./kind.mjs";

const ANSWERS = 0; // place of the count of values that were learned
const BROKEN = 4; // place of the count of values that are no whole numbers

export class Series extends KindLearner {
  kind = "Forecaster";

  /** How many times ahead it can forecast. */
  get horizon() {
    return this.settings.horizon;
  }

  /** How many values were learned; the rows of its table are fewer, since the first values only begin the past. */
  get nLearned() {
    return this.engine?.array("forecast_numbers").data[ANSWERS] ?? 0;
  }

  isOwn(name) {
    return name.startsWith("forecast ");
  }

  /** Learn the value of the next time, null where it is missing, and what is known of that time. */
  learnOne(y, x = {}) {
    let value = y === null || y === undefined ? NaN : numberOf(y);
    const missing = y === null || y === undefined || Number.isNaN(y);
    if (!(Math.abs(value) <= FARTHEST)) {
      if (!missing) refuse(this.refused, "target");
      value = NaN;
    }
    this.of(x, (calls, learner) => this.core.check(calls.hw_learn_next(learner, value, 1)), true);
  }

  /** Forecast the next values; `xs`: what is known of each of these times. */
  forecast(horizon = this.horizon, xs = []) {
    const n = this.times(horizon);
    if (this.engine === null) return Array(n).fill(this.bounded(0));
    return Array.from({ length: n }, (_, i) => this.bounded(this.ahead(i + 1, xs[i] ?? {})));
  }

  ahead(h, x) {
    return this.of(x, (calls, learner) => this.engine.doubles(1, (at) => calls.hw_forecast(learner, BigInt(h), at))[0]);
  }

  /** Say between which ends each of the next values will lie in that share of cases: [low, high] each. */
  forecastInterval(horizon = this.horizon, xs = [], coverage = 0.9) {
    if (!(coverage > 0 && coverage < 1)) {
      throw new ConfigError({ expected: "a share between 0 and 1", got: shown(coverage), at: "coverage", help: "Give e.g. 0.9." });
    }
    const n = this.times(horizon);
    if (this.engine === null) return Array.from({ length: n }, () => [this.bounded(-Infinity), this.bounded(Infinity)]);
    const whole = this.areWhole();
    return Array.from({ length: n }, (_, i) => {
      const y = this.ahead(i + 1, xs[i] ?? {});
      const ends = this.engine.doubles(2, (at) => this.core.calls.hw_forecast_ends(this.engine.learner, BigInt(i + 1), coverage, at));
      const given = ends.map((end) => this.bounded(y + end));
      const [low, high] = whole ? wholeWithin(...given) : given;
      return [Math.min(low, this.bounded(y)), Math.max(high, this.bounded(y))]; // a forecast lies within its interval
    });
  }

  /** The last values, newest last; in place of missing ones what was forecast. */
  lastValues() {
    const past = [...(this.engine?.array("forecast_past")?.data ?? [])];
    const times = Number(this.engine?.array("forecast_counts")?.data[0] ?? 0);
    if (times < past.length) return past.slice(0, times);
    const at = times % past.length;
    return [...past.slice(at), ...past.slice(0, at)];
  }

  times(horizon) {
    if (Number.isInteger(horizon) && horizon >= 0 && horizon <= this.horizon) return horizon;
    const help = "Make the forecaster with a larger one.";
    throw new ConfigError({ expected: `a horizon of at most ${this.horizon}`, got: shown(horizon), at: "horizon", help });
  }

  bounded(y) {
    const { low, high } = this.settings;
    return Math.min(Math.max(y, low ?? -Infinity), high ?? Infinity);
  }

  areWhole() {
    const numbers = this.engine.array("forecast_bank_numbers")?.data ?? [];
    return numbers.length > BROKEN && numbers[BROKEN] === 0 && this.engine.array("forecast_numbers").data[0] > 0;
  }
}

/** The whole numbers within an interval, or the one nearest to its middle. */
function wholeWithin(low, high) {
  if (!Number.isFinite(high - low)) return [low, high];
  const [first, last] = [Math.ceil(low), Math.floor(high)];
  const middle = (low + high) / 2;
  const nearest = Math.abs(middle % 1) === 0.5 ? 2 * Math.round(middle / 2) : Math.round(middle); // halves to even, as in Python
  return first <= last ? [first, last] : [nearest, nearest];
}
