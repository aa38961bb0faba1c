// The bandit: it chooses an action for a row, and learns from the reward of that action alone.

import { DataError, shown } from "../../errors.mjs";
import { isLabel, keyOf } from "../labels.mjs";
import { numberOf, refuse } from "../../rows/guards.mjs";
import { objectOf } from "../../rows/values.mjs";
import { KindLearner } from "./kind.mjs";

const WIDE = 256; // rows of the table that least squares read where actions have features
const FARTHEST_REWARD = 1e30;

export class Choices extends KindLearner {
  kind = "Bandit";

  constructor(...given) {
    super(...given);
    this.index = new Map(this.known.map((action, i) => [keyOf(action), i]));
  }

  /** The actions known so far, in the order in which they were first learned. */
  get actions() {
    return [...this.known];
  }

  /** Whether actions come with features of their own, which say all that is known of them. */
  get withFeatures() {
    const declared = this.engine?.array("declaration")?.data ?? [];
    return this.nLearned > 0 && !this.known.length && declared.at(-1) === 1;
  }

  /** The reward that is expected of each action, as a Map; of one never seen the lowest reward. */
  expectedRewards(x, actions = this.known) {
    const [lowest] = this.settings.rewards;
    if (!this.nLearned) return new Map(this.offered(actions).map(([action]) => [action, lowest]));
    const values = (row) => this.of(row, (calls, learner) => this.engine.doubles(this.engine.outputs, (at) => calls.hw_values(learner, at)));
    if (this.withFeatures) return new Map(this.offered(actions).map(([action, features]) => [action, values(joined(x, features))[0]]));
    const all = values(x);
    return new Map(this.offered(actions).map(([action]) => [action, all[this.index.get(keyOf(action))] ?? lowest]));
  }

  /** The probability with which each action is drawn, as a Map. */
  probabilities(x, actions = this.known) {
    const offer = this.offered(actions);
    if (!offer.length) throw new DataError({ expected: "actions", got: "none", at: "actions", help: 'Give e.g. ["a", "b"].' });
    if (this.engine === null) return new Map(offer.map(([action]) => [action, 1 / offer.length]));
    const p = this.withFeatures ? this.sharesOfOffer(x, offer) : this.shares(x, offer);
    return new Map(offer.map(([action], i) => [action, p[i]]));
  }

  shares(x, offer) {
    return this.of(x, (calls, learner) => this.numbered(offer.map(([action]) => this.index.get(keyOf(action)) ?? -1), (list) => {
      const n = offer.length;
      return this.engine.doubles(2 * n, (at) => calls.hw_decide(learner, list, BigInt(n), at, at + 8 * n)).slice(n);
    }));
  }

  sharesOfOffer(x, offer) {
    const n = offer.length;
    const scores = offer.map(([, features]) => this.of(joined(x, features), (calls, learner) => this.engine.doubles(1, (at) => calls.hw_score_action(learner, 0, at))[0]));
    return this.numbered(offer.map(() => 0), (list) =>
      this.engine.doubles(2 * n, (at) => {
        this.core.doubles.set(scores, at >>> 3);
        return this.core.calls.hw_choose(this.engine.learner, list, at, BigInt(n), at + 8 * n);
      }).slice(n));
  }

  /** Draw an action for a row: [action, p], both of which go to `learn` when its reward is known. */
  act(x, actions = this.known) {
    const p = [...this.probabilities(x, actions)];
    if (this.engine === null) return p[Math.floor(Math.random() * p.length)];
    const at = this.core.copied(new Float64Array(p.map(([, share]) => share)));
    const drawn = Number(this.core.calls.hw_draw_action(this.engine.learner, at, BigInt(p.length)));
    this.core.free(at);
    return p[drawn];
  }

  /** The action of the largest expected reward among those known; null before any was learned. */
  predictOne(x, actions = this.known) {
    const values = [...this.expectedRewards(x, actions)];
    return values.length ? values.reduce((best, one) => (one[1] > best[1] ? one : best))[0] : null;
  }

  /** Learn what came of an action that was taken with probability p; `features`: those of the action, where actions have some. */
  learn(x, action, reward, p = 1, features = null) {
    const [given, share] = [numberOf(reward), numberOf(p)];
    const right = isLabel(action) && Math.abs(given) <= FARTHEST_REWARD && share > 0 && share <= 1;
    if (!right || (features !== null) !== this.withFeatures) return refuse(this.refused, "decision");
    const [low, high] = this.settings.rewards;
    if (given < low || given > high) refuse(this.refused, "reward");
    const number = features ? 0 : (this.index.get(keyOf(action)) ?? this.added(action));
    this.of(features ? joined(x, features) : x, (calls, learner) => this.core.check(calls.hw_learn_action(learner, number, given, share, 1)), true);
  }

  /** Append an action: its output begins at zero, with least squares of its own. */
  added(action) {
    const k = this.known.length + 1;
    if (k > 1) this.engine.addOutputs(k, 0);
    this.known.push(action);
    this.index.set(keyOf(action), k - 1);
    return k - 1;
  }

  /** Pairs of an action and its features. */
  offered(actions) {
    if (actions instanceof Map) return [...actions];
    if (!Array.isArray(actions)) throw new DataError({ expected: "a list of actions", got: shown(actions), at: "actions", help: 'Give e.g. ["a", "b"].' });
    return [...new Map(actions.map((action) => [keyOf(action), [action, {}]])).values()];
  }

  /** Give `use` the place of whole numbers. */
  numbered(numbers, use) {
    const at = this.core.copied(new Int32Array(numbers));
    try {
      return use(at);
    } finally {
      this.core.free(at);
    }
  }
}

/** Return a row and an action's features as one row, with the products of columns and features, as `joined` in Python. */
export function joined(given, features) {
  const x = given instanceof Map ? objectOf(given) : given;
  const own = Object.entries(features);
  const row = { ...x, ...Object.fromEntries(own.map(([name, value]) => [`action.${name}`, value])) };
  const room = Math.floor(Math.max(WIDE - 1 - Object.keys(row).length, 0) / Math.max(own.length, 1));
  for (const [name, value] of Object.entries(x).slice(0, room)) {
    for (const [feature, of] of own) {
      const [left, right] = [`action.${feature}`, `${name} × action.${feature}`];
      if (typeof value === "string" && typeof of === "string") row[right] = `${value} × ${of}`;
      else {
        const product = factor(value) * factor(of);
        const by = typeof value === "string" ? `${name}=${value}` : name;
        if (Number.isFinite(product)) row[`${by} × ${typeof of === "string" ? `${left}=${of}` : left}`] = product;
      }
    }
  }
  return row;
}

function factor(value) {
  if (typeof value === "string") return 1;
  return typeof value === "number" || typeof value === "boolean" ? Number(value) : NaN;
}
