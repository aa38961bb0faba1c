// Why one prediction came out as it did: integrated gradients or gradient × input, as in Python's explain/one.py.

import { ConfigError, DataError, TargetError, shown } from "../errors.mjs";
import { fromJson } from "../file/model.mjs";
import { rowAndNames } from "../rows/planned.mjs";
import { checkSample, isOfTexts } from "../rows/values.mjs";
import { Inspection } from "./inspect.mjs";

const METHODS = ["integrated_gradients", "gradient_x_input"];
const LAST_ANSWER = "last answer";
const MEMORY = "memory"; // the state that rows before have left
const OUTPUTS = ["proba", "log_odds"];
const [FEWEST_POINTS, MOST_POINTS] = [32, 4096]; // points on the path: doubled until the rest is small
const REST = 1e-3; // of the distance from the baseline
const SURE = 1e-13; // the loss reads logits beyond ±30 as ±30: no probability is surer

/** How much each feature moved one prediction away from the baseline. */
class Explanation {
  constructor(parts) {
    Object.assign(this, parts);
  }

  /** What the contributions leave unexplained: about 0 for integrated gradients. */
  get rest() {
    let rest = this.prediction - this.baseline;
    for (const part of this.contributions.values()) rest -= part;
    return rest;
  }
}

/** Explain what a classifier predicts. */
export function explainClass(model, x, { target, ...options } = {}) {
  checkSample(x);
  const { classes, binary } = model;
  const known = target === undefined || target === null ? -1 : model.indexOf(target);
  if (known === undefined) {
    const expected = `one of the classes ${shown(classes.slice(0, 12))}`;
    throw new TargetError({ expected, got: shown(target), at: "target", help: "Name a class." });
  }
  return explained(model, x, options, (out) => {
    const best = binary ? Number(out[0] > 0.5) : out.indexOf(Math.max(...out));
    const index = known >= 0 ? known : classes.length > 1 ? best : 0;
    const [sign, offset] = binary && index === 0 ? [-1, 1] : [1, 0];
    return { label: classes[index], column: binary ? 0 : index, sign, offset, scale: 1 };
  });
}

/** Explain what a regressor predicts. */
export function explainNumber(model, x, { target = null, ...options } = {}) {
  checkSample(x);
  if (target !== null) throw wrong("target", "no target", target, "A regressor has one answer.");
  return explained(model, x, options, (_, net) => {
    const [offset, scale] = net.answerUnits();
    return { label: null, column: 0, sign: 1, offset, scale, direct: offset - net.answerUnits(true)[0] };
  });
}

/** Explain a prediction of a learner; `choose(predicted)` says which number: {label, column, sign, offset, scale}. */
function explained(learner, x, { method = METHODS[0], of = OUTPUTS[0] }, choose) {
  if (!METHODS.includes(method)) throw wrong("method", `one of ${METHODS.join(", ")}`, method, "Choose one of these names.");
  if (!OUTPUTS.includes(of)) throw wrong("of", OUTPUTS.join(" or "), of, "Choose one of the two.");
  const { engine, Net = Inspection } = learner;
  if (!engine?.learned) {
    const help = "Call learnOne or learnMany first.";
    throw new DataError({ expected: "a model that has learned", got: "one that has seen no answer", at: learner.constructor.name, help });
  }
  const text = engine.columns().find(({ kind }) => kind === "words" || kind === "bigrams");
  if (text) {
    const help = "Explain it in Python, where words are told apart.";
    throw new ConfigError({ expected: "columns of numbers, categories and times", got: `${shown(text.name)}, which is text`, at: "explainOne", help });
  }
  const net = new Net(engine, learner.setup.experts);
  const path = pathOf(net, engine, new Map([...net.answersBefore(), ...(x instanceof Map ? x : Object.entries(x))]));
  const output = choose(net.predict(path.end), net);
  output.odds = of === OUTPUTS[1] && output.label !== null;
  const parts = contributionsOf(net, path, output, method);
  const contributions = new Map(path.features.map(([name]) => [name, 0]));
  path.names.forEach((name, i) => contributions.set(name, (contributions.get(name) ?? 0) + parts[i]));
  const direct = output.direct ?? 0; // what the offset owes to the last answer
  if (direct) contributions.set(LAST_ANSWER, (contributions.get(LAST_ANSWER) ?? 0) + direct);
  const sorted = [...contributions].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const values = new Map(path.features);
  if (path.end.state) values.set(MEMORY, values.get(fromJson(learner.kept.settings.by ?? null)) ?? null);
  const [prediction, baseline] = [path.end, path.start].map((side) => valueOf(output, net.predict(side)));
  return new Explanation({ prediction, baseline: baseline - direct, contributions: new Map(sorted), values, target: output.label, method, of });
}

function wrong(at, expected, got, help) {
  return new ConfigError({ expected, got: shown(got), at, help });
}

// ---- which number is explained --------------------------------------------------------------------------------------

function logOdds(q) {
  const sure = Math.min(Math.max(q, SURE), 1 - SURE);
  return Math.log(sure) - Math.log1p(-sure);
}

function valueOf({ column, sign, offset, scale, odds }, out) {
  const q = offset + sign * scale * out[column];
  return odds ? logOdds(q) : q;
}

function deltaOf({ column, sign, offset, scale, odds }, out) {
  const delta = new Float64Array(out.length);
  delta[column] = sign * scale;
  if (odds) {
    const q = Math.min(Math.max(offset + delta[column] * out[column], SURE), 1 - SURE);
    delta[column] /= q * (1 - q);
  }
  return delta;
}

// ---- the path -------------------------------------------------------------------------------------------------------

/** The straight way from the baseline's first layers to the sample's, and whose each part of it is. */
function pathOf(net, engine, x) {
  const features = [...x];
  const texts = isOfTexts([...x.values()]);
  const [here, there] = [false, true].map((atMean) => features.map(([name, value]) => pairsOf(engine, new Map([[name, value]]), atMean, texts)));
  const [end, start] = [here, there].map((parts) => joinedParts(parts));
  const whole = [false, true].map((atMean) => (net.tests ? pairsOf(engine, new Map(features), atMean).cells : null));
  [end.cells, start.cells] = whole;
  const tests = changedTests(net, engine, whole, new Map([...end.rows.map((r, i) => [r, end.owner[i]]), ...start.rows.map((r, i) => [r, start.owner[i]])]));
  const names = [...end.owner, ...start.owner, ...tests.map(({ owner }) => owner)].map((i) => features[i][0]);
  const state = net.carriedBy?.((call, ...places) => reading(engine, new Map(features), texts, (...row) => call(engine.learner, ...row, ...places)));
  if (state) names.push(MEMORY);
  const [to, from] = [end, start].map((taken) => net.experts.map((_, e) => net.read(e, taken)));
  return { features, names, tests, cells: whole, end: { first: to, state }, start: { first: from, state: null }, rows: [...end.rows, ...start.rows], way: [...end.values, ...start.values.map((v) => -v)] };
}

function joinedParts(parts) {
  return {
    rows: parts.flatMap(({ rows }) => rows),
    values: parts.flatMap(({ values }) => values),
    owner: parts.flatMap(({ rows }, i) => rows.map(() => i)),
  };
}

/** The tests of cell tables whose answer is not that at the baseline: a table's part is shared evenly among its own. */
function changedTests(net, engine, [here, there], ownerOfRow) {
  if (!here || !there) return [];
  const [codes, rowOfSlot] = ["cell_code", "slot_row"].map((name) => engine.array(name).data);
  const changed = [];
  for (let test = 0; test < net.tests; test++) {
    for (let table = 0; table < net.tables; table++) {
      if (!(((here[table] ^ there[table]) >> test) & 1)) continue;
      const code = codes[test * net.tables + table];
      changed.push({ table, owner: ownerOfRow.get(code >= 0 ? rowOfSlot[code] : -code - 1) });
    }
  }
  return changed.map((one) => ({ ...one, share: 1 / changed.filter(({ table }) => table === one.table).length }));
}

// ---- the slopes on the way --------------------------------------------------------------------------------------------

function contributionsOf(net, path, output, method) {
  if (method === METHODS[1]) return along(net, path, output, [1]);
  const [to, from] = [path.end, path.start].map((side) => valueOf(output, net.predict(side)));
  const far = to - from;
  for (let points = FEWEST_POINTS; ; points *= 2) {
    const parts = along(net, path, output, Array.from({ length: points }, (_, i) => (i + 0.5) / points));
    const sum = parts.reduce((a, b) => a + b, 0);
    if (points >= MOST_POINTS || Math.abs(sum - far) <= REST * Math.max(Math.abs(far), 1e-6 * output.scale)) return parts;
  }
}

/** way·(mean of ∂F/∂v over the points of the path): the midpoint rule of integrated gradients. */
function along(net, path, output, points) {
  const slopes = net.experts.map(({ m }) => new Float64Array(m));
  const { start, end } = path;
  let ofState = 0;
  for (const share of points) {
    const state = end.state?.map((h) => share * h);
    const values = start.first.map((from, e) => net.forward(e, from.map((z, j) => z + share * (end.first[e][j] - z)), state));
    const z = values.map((own) => own.at(-1));
    const mixed = net.mix(z);
    net.mixBackward(z, mixed, deltaOf(output, mixed)).forEach((delta, e) => {
      const [slope, next] = net.backward(e, values[e], delta);
      slope.forEach((one, j) => (slopes[e][j] += one / points.length));
      if (net.recurrent === e) ofState += dot(end.state, next) / points.length;
    });
  }
  const parts = path.rows.map((r, i) => path.way[i] * slopes.reduce((total, slope, e) => total + dot(net.row(e, r), slope), 0));
  const tests = path.tests.map(({ table, share }) => share * slopes.reduce((total, slope, e) => total + cellsPart(net, path, e, table, slope), 0));
  return [...parts, ...tests, ...(end.state ? [ofState] : [])];
}

const dot = (w, slope) => w.reduce((total, number, j) => total + number * slope[j], 0);

function cellsPart(net, { cells: [here, there] }, e, table, slope) {
  if (!net.experts[e].cells) return 0;
  const from = net.added(e, there, table);
  return net.added(e, here, table).reduce((total, w, j) => total + (w - from[j]) * slope[j], 0);
}

// ---- what the net reads -----------------------------------------------------------------------------------------------

/**
 * What the net reads of a row: {rows, values, cells}; `atMean`: with every number at its mean and no category. `texts`: whether
 * the row is one of texts alone, or a part of one.
 */
function pairsOf(engine, x, atMean, texts) {
  const { core } = engine;
  const count = reading(engine, x, texts, (...row) => core.calls.js_pairs(engine.learner, ...row, atMean ? 1 : 0, core.staging));
  const [rowsAt, valuesAt, cellsAt, tables] = core.words.subarray(core.staging >>> 2);
  const numbers = engine.wide ? core.doubles.subarray(valuesAt >>> 3) : core.floats.subarray(valuesAt >>> 2);
  const taken = [];
  for (let i = 0; i < count; i++) if (core.words[(rowsAt >>> 2) + i] > 0) taken.push(i);
  const rows = taken.map((i) => core.words[(rowsAt >>> 2) + i]); // row 0 is the bias
  return { rows, values: taken.map((i) => numbers[i]), cells: core.words.slice(cellsAt >>> 2, (cellsAt >>> 2) + tables) };
}

/** Write a row where the core reads it, and return what `call(values, how many, whether in order)` says. */
function reading(engine, x, texts, call) {
  const { core, reader } = engine;
  engine.enter();
  try {
    reader.read(...rowAndNames(x), false, texts);
    const { values, used, ordered } = reader;
    const said = core.check(call(values, used, ordered));
    reader.settle();
    return said;
  } finally {
    core.leave();
  }
}
