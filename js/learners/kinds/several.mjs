// A learner of several outputs: one learner each, of which the later ones read what the earlier ones predict.

import { ModelFileError, TargetError, shown } from "../../errors.mjs";
import { fromJson, stateOf } from "../../file/model.mjs";
import { modelBytes } from "../../file/save.mjs";
import { ClassLearner, NumberLearner, statesOf } from "../learner.mjs";
import { isLabel } from "../labels.mjs";
import { FARTHEST } from "../predictor.mjs";
import { refuse } from "../../rows/guards.mjs";
import { checkSample, isOfTexts, objectOf } from "../../rows/values.mjs";
import { KindLearner } from "./kind.mjs";

const PREDICTED = "\0tuple ('predicted', ";

export class Several extends KindLearner {
  kind = "MultiOutput";
  members = new Map(); // by the name of each output: {learner, keys}

  static read(core, header, arrays) {
    const model = new this(core, header, arrays);
    if (header.engine) model.readMembers(header, arrays);
    return model;
  }

  restore() {
    this.members = new Map();
  }

  readMembers({ classes, engine: counts }, arrays) {
    const { core, kept } = this;
    const groups = new Map(); // by what an output is called in Python: its name and its classes
    for (const tagged of classes) {
      const [name, ...label] = tagged.tuple;
      const group = groups.get(JSON.stringify(name)) ?? { name, labels: [] };
      group.labels.push(...label);
      groups.set(JSON.stringify(name), group);
    }
    [...groups.values()].forEach(({ name, labels }, i) => {
      const own = new Map([...arrays].filter(([key]) => key.startsWith(`${i}.`)).map(([key, array]) => [key.slice(`${i}.`.length), { ...array, name: key.slice(`${i}.`.length) }]));
      const parts = {
        setup: { loss: labels.length ? "cross_entropy" : "mse", dtype: this.settings.dtype },
        kept,
        classes: labels.map((label) => fromJson(label)),
        refused: {},
        counts: { unusable: Number(counts[`${i}.unusable`]) },
        state: stateOf(own, core),
      };
      const learner = new (labels.length ? ClassLearner : NumberLearner)(core, parts);
      learner.restore(parts);
      const keys = labels.length ? labels.slice(1).map((label) => `${PREDICTED}${reprOf(name)}, ${reprOf(label)})`) : [`${PREDICTED}${reprOf(name)})`];
      this.members.set(fromJson(name), { learner, keys, tag: name });
    });
    this.rows = Number(counts.rows);
  }

  get nLearned() {
    return this.rows ?? 0;
  }

  /** The names of the outputs, in the order of the chain. */
  get outputs() {
    return [...this.members.keys()];
  }

  /** The classes of an output seen so far; null of one of numbers. */
  classesOf(name) {
    return this.members.get(name).learner.classes ?? null;
  }

  get columns() {
    const found = new Map();
    for (const { learner } of this.members.values()) for (const column of learner.columns) found.set(column.name, column);
    return [...found.values()].filter(({ name }) => !name.startsWith(PREDICTED));
  }

  /** Predict every output of a sample, as a Map. */
  predictOne(x) {
    return new Map([...this.said(x)].map(([name, { y }]) => [name, y]));
  }

  /** Predict every output: a Map of {y, classes}, the probability of each class as a Map; null of a number. */
  said(x) {
    const row = this.rowOf(x);
    const out = new Map();
    for (const [name, { learner, keys }] of this.members) {
      const classes = learner.classes ? learner.predictProbaOne(row) : null;
      const y = learner.predicted(row);
      out.set(name, { y, classes });
      this.tell(row, learner, keys);
    }
    return out;
  }

  /** Learn one sample, with the answers of the outputs that are known; returns what was predicted before, as a Map. */
  learnOne(x, answers) {
    const given = answers instanceof Map ? answers : new Map(Object.entries(answers));
    const unknown = [...given.keys()].find((name) => !this.members.has(name));
    if (unknown !== undefined) {
      const help = "Teach its first answer in Python.";
      throw new TargetError({ expected: `one of the outputs ${shown(this.outputs)}`, got: shown(unknown), at: "y", help });
    }
    const row = this.rowOf(x);
    const said = new Map();
    let learned = 0;
    for (const [name, { learner, keys }] of this.members) {
      const y = given.get(name);
      said.set(name, learner.predicted(row));
      if (this.canLearn(learner, y)) {
        learned = 1;
        const known = learner.classes?.length;
        const last = this.lastOf(learner);
        learner.learned(row, y, 1);
        this.tell(row, learner, keys, last, known);
      } else this.tell(row, learner, keys);
    }
    this.rows += learned;
    return said;
  }

  canLearn(learner, y) {
    if (y === null || y === undefined || Number.isNaN(y)) return false;
    const good = learner.classes ? isLabel(y) : ["number", "boolean"].includes(typeof y) && Math.abs(Number(y)) <= FARTHEST;
    if (!good) refuse(this.refused, "target");
    return good;
  }

  rowOf(x) {
    checkSample(x);
    return { ...(x instanceof Map ? objectOf(x) : x) };
  }

  /** What a learner predicted last, as numbers for the later ones. */
  lastOf(learner) {
    const { engine } = learner;
    return learner.classes ? Array.from(learner.classes, (_, j) => engine.lastPrediction(j)).slice(1) : [learner.last()];
  }

  /** Put what a learner predicted last into the row of the later ones. */
  tell(row, learner, keys, last = this.lastOf(learner)) {
    if (this.settings.chain === false) return;
    const write = isOfTexts(Object.values(row)) ? String : Number;
    keys.forEach((key, j) => j < last.length && (row[key] = write(last[j])));
  }

  digest() {
    return [...this.members.values()].reduce((sum, { learner }) => BigInt.asUintN(64, sum * 31n + learner.digest()), 0n);
  }

  save() {
    const { kept, refused, members, core } = this;
    const counts = { rows: this.rows };
    const state = [];
    const classes = [];
    [...members.values()].forEach(({ learner, tag }, i) => {
      counts[`${i}.unusable`] = learner.engine.reader.unusable;
      state.push(...statesOf(learner.engine).map((array) => ({ ...array, name: `${i}.${array.name}` })));
      const name = fromJson(tag);
      classes.push(...(learner.classes ? learner.classes.map((label) => [name, label]) : [[name]]));
    });
    return modelBytes(this.kind, core, { kept, classes, refused, counts, state });
  }

  free() {
    for (const { learner } of this.members.values()) learner.free();
  }
}

/** Write a name or a label, as a file has it, as Python's repr does: in the core, names that are no text are called so. */
function reprOf(tagged) {
  if (typeof tagged === "string") return textRepr(tagged);
  if (tagged === null) return "None";
  if (typeof tagged === "boolean") return tagged ? "True" : "False";
  if (typeof tagged === "number") return String(tagged);
  if (tagged.text !== undefined) return tagged.text; // a number with all its digits
  if (Object.hasOwn(tagged, "tuple")) return `(${tagged.tuple.map(reprOf).join(", ")}${tagged.tuple.length === 1 ? "," : ""})`;
  if (Object.hasOwn(tagged, "float")) return floatRepr(fromJson(tagged));
  throw new ModelFileError({ expected: "outputs named by texts and numbers", got: shown(tagged), at: "the file", help: "Serve it with headwater serve." });
}

function floatRepr(x) {
  if (Number.isInteger(x) && Math.abs(x) < 1e16) return `${x}.0`;
  return String(x).replace(/e([+-])(\d)$/, "e$10$2");
}

function textRepr(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const named = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", [mark]: `\\${mark}` };
  // eslint-disable-next-line no-control-regex
  const body = text.replace(/[\\\n\r\t'"]/g, (sign) => named[sign] ?? sign).replace(/[\0-\x1f\x7f]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return mark + body + mark;
}
