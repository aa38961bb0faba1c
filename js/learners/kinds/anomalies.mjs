// The anomaly model: it says how unusual a row is among those before, then learns it.

import { TIME_PARTS } from "../../core.mjs";
import { refuse, weightOf } from "../../rows/guards.mjs";
import { checkSample } from "../../rows/values.mjs";
import { KindLearner } from "./kind.mjs";
import { SHAPE } from "../descent.mjs";

const NOTHING_KNOWN = 0.5;

export class Anomalies extends KindLearner {
  kind = "Anomaly";

  /** Say how unusual a row is, in (0, 1): 0.99 says that one row in a hundred is as unusual. */
  scoreOne(x) {
    checkSample(x);
    if (this.engine === null) return NOTHING_KNOWN;
    this.engine.predict(x);
    return this.engine.lastPrediction(0);
  }

  /** Say whether a row is among the most unusual ones. */
  isAnomalyOne(x, rate = 0.001) {
    return this.scoreOne(x) > 1 - rate;
  }

  /** Say how much each column adds to the raw score of a row: {score, contributions}, a Map with the largest first. */
  explainOne(x) {
    const { engine, core } = this;
    let parts = [];
    const [score, ofNew] = this.of(x, (calls, learner) => {
      let said = [];
      const shape = core.take(SHAPE.size);
      calls.hw_describe(learner, shape);
      const rows = Number(new DataView(core.memory.buffer).getBigInt64(shape + SHAPE.rows, true));
      core.free(shape);
      parts = engine.doubles(rows, (at) => {
        said = engine.doubles(2, (two) => calls.hw_contributions(learner, at, two, two + 8));
        return 0;
      });
      return said;
    });
    const found = new Map(Object.keys(x instanceof Map ? Object.fromEntries(x) : x).map((name) => [name, 0]));
    for (const [row, name] of this.namesOfRows()) if (parts[row]) found.set(name, (found.get(name) ?? 0) + parts[row]);
    const known = new Map(this.columns.map((column) => [column.name, column]));
    for (const [name, value] of x instanceof Map ? x : Object.entries(x)) {
      const column = known.get(name);
      const isNew = !column || (column.kind === "category" && !column.categories.includes(String(value)));
      if (isNew && value !== null && value !== undefined) found.set(name, found.get(name) + ofNew);
    }
    return { score, contributions: new Map([...found].sort(([, a], [, b]) => b - a)) };
  }

  /** Pairs of a row of the table and the name of its column. */
  namesOfRows() {
    const { core, engine } = this;
    const { calls, staging } = core;
    const slots = engine.array("slot_row").data;
    const columns = engine.columns();
    const pairs = [];
    columns.forEach(({ name, kind }, c) => {
      const slot = calls.hw_column_slot(engine.learner, c);
      for (let i = 0; slot >= 0 && i < (kind === "time" ? TIME_PARTS : 1); i++) pairs.push([slots[slot + i], name]);
    });
    for (let c = 0; c < calls.hw_categories(engine.learner); c++) {
      calls.hw_category(engine.learner, c, staging, staging + 4, staging + 8);
      const at = staging >>> 2;
      if (columns[core.words[at]]) pairs.push([core.words[at + 1], columns[core.words[at]].name]);
    }
    return pairs;
  }

  /** Learn one row. */
  learnOne(x, w = 1) {
    checkSample(x);
    const weight = weightOf(w);
    if (weight < 0) refuse(this.refused, "weight");
    this.engine.learn(x, 0, Math.max(weight, 0), weight >= 0);
  }
}
