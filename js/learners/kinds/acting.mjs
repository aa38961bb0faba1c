// The agent: it acts in states, and learns from what each action led to.

import { FARTHEST } from "../predictor.mjs";
import { keyOf } from "../labels.mjs";
import { numberOf, refuse } from "../../rows/guards.mjs";
import { checkSample } from "../../rows/values.mjs";
import { KindLearner } from "./kind.mjs";

const [ACTION_VALUES, NORMAL_POLICY] = [1, 3];

export class Acting extends KindLearner {
  kind = "Agent";

  isOwn(name) {
    return name.startsWith("agent ");
  }

  /** The names of its actions; none where an action consists of numbers. */
  get actions() {
    const { actions } = this.settings;
    if (typeof actions === "number") return Array.from({ length: actions }, (_, i) => i);
    return actions.every(Array.isArray) ? [] : actions;
  }

  /** The range of each number of an action. */
  get ranges() {
    return this.actions.length ? [] : this.settings.actions;
  }

  /** Whether it has a value for each action, else one for the state. */
  get hasActionValues() {
    return this.engine !== null && this.core.calls.hw_policy(this.engine.learner) === ACTION_VALUES;
  }

  /** The action to take in a state: a name, or numbers. `explore`: false for the best known one. */
  act(state, explore = true) {
    const ofNumbers = this.core.calls.hw_policy(this.engine.learner) === NORMAL_POLICY;
    const count = ofNumbers ? this.ranges.length : 1;
    const said = this.of(state, (calls, learner) => this.engine.doubles(count, (at) => calls.hw_act(learner, explore ? 1 : 0, at)));
    if (!ofNumbers) return this.actions[said[0]];
    return this.units().map(([middle, half], j) => {
      const [low, high] = this.ranges[j];
      return Math.fround(Math.min(Math.max(middle + half * said[j], low), high));
    });
  }

  /** What it says of a state: {value, actions}, a Map of what each action is worth, or of its probability. */
  says(state) {
    const { outputs } = this.engine;
    const [value, ...rest] = this.of(state, (calls, learner) => this.engine.doubles(outputs + 1, (at) => calls.hw_state_value(learner, at)));
    return { value, actions: new Map(this.actions.map((action, i) => [action, rest[i]])), rest };
  }

  /** Learn what an action led to; `next`: the state that followed, null where the episode has terminated. */
  learn(state, action, reward, next, terminated = false, truncated = false) {
    checkSample(state);
    let [brought, numbers] = [numberOf(reward), this.numbersOf(action)];
    const { engine, core } = this;
    if (numbers === null || !(Math.abs(brought) <= FARTHEST) || (next === null && !terminated)) {
      refuse(this.refused, "target");
      [brought, numbers] = [NaN, Array(this.ranges.length || 1).fill(0)];
    }
    if (next !== null) this.of(next, (calls, learner) => core.check(calls.hw_read_next(learner)));
    this.of(state, (calls, learner) => {
      const at = core.copied(new Float64Array(numbers));
      const status = calls.hw_learn_transition(learner, at, brought, terminated ? 1 : 0, truncated ? 1 : 0, 1);
      core.free(at);
      return core.check(status);
    }, true);
  }

  /** An action as the core's numbers; null of what is none. */
  numbersOf(action) {
    if (this.actions.length) {
      const place = this.actions.findIndex((own) => keyOf(own) === keyOf(action));
      return place < 0 ? null : [place];
    }
    const given = Array.isArray(action) ? action.map(Number) : [NaN];
    if (given.length !== this.ranges.length || !given.every(Number.isFinite)) return null;
    return this.units().map(([middle, half], j) => (given[j] - middle) / half);
  }

  units() {
    return this.ranges.map(([low, high]) => (Number.isFinite(high - low) ? [(low + high) / 2, (high - low) / 2] : [0, 1]));
  }
}
