// The learner, in a worker: predicting, explaining, learning and whole files never hold up the page. It begins in the smallest build
// of the core that predicts it; what learns, and what explains, is loaded when it is asked for.

import { open } from "./headwater.mjs";
import { Cutter, answerOf, separatorOf, valueOf, written } from "./csv.mjs";
import { Scores } from "./score.mjs";

const ROWS_AT_ONCE = 200; // between two of them the page may ask to stop
const TEXTS = ["words", "bigrams"]; // kinds of columns of text
const HEAD = 65_536; // characters that the separator is judged by

let model = null;
let whole = null; // the build with all parts: in the folder of a model with a memory lean.wasm has them
let scores = null;
let stop = false;

const isRegressor = () => model.classes === undefined;

function about() {
  const { target = null, drop = [], score: before, seen } = model.notes;
  const classes = isRegressor() ? null : model.classes;
  return { kind: model.kind, columns: model.columns, classes, learns: model.learns, learned: model.nLearned, target, drop, before, seen, unexplained: unexplained(), carries: carries(), score: scores.n ? scores.said : null };
}

function mappingOf(pairs) {
  return new Map(pairs.filter(([, value]) => value !== null));
}

/** Whether rows before have a share in a prediction. */
const carries = () => Boolean(model.model.array("memory_numbers")?.data.length);

/** The word for why only Python explains this model: it tells words of texts apart. */
const unexplained = () => (model.columns.some(({ kind }) => TEXTS.includes(kind)) ? "no_why" : null);

/** Say why, or null of a model that only Python explains. */
async function whyOf(x) {
  if (unexplained()) return null;
  const { prediction, baseline, contributions, target } = await model.explainOne(x);
  return { prediction, baseline, target, carries: carries(), contributions: [...contributions] };
}

/** Say what the model predicts for a sample, how sure it is, and, where it is asked, why. */
async function predict({ pairs, explained }) {
  if (!model.nLearned) return null;
  const x = mappingOf(pairs);
  const why = explained ? await whyOf(x) : null;
  const y = await model.predictOne(x);
  if (isRegressor()) return { y, interval: await model.predictIntervalOne(x), explained, why };
  return { y, classes: [...(await model.predictProbaOne(x))].sort(([, a], [, b]) => b - a), explained, why };
}

/** Score a row by what is said before it, then learn it; returns whether it was learned. */
async function learnRow(x, y) {
  const before = model.nLearned;
  const predicted = await model.predictOne(x);
  await model.learnOne(x, y);
  if (model.nLearned === before) return [predicted, false];
  scores.add(y, predicted);
  return [predicted, true];
}

// ---- files ----------------------------------------------------------------------------------------------------------

async function headOf(file) {
  const text = await file.slice(0, HEAD).text();
  const head = text.replace(/^\ufeff/, "");
  const separator = separatorOf(head, file.size <= HEAD);
  const [names = []] = new Cutter(separator).rows(head.replace(/^sep=.\r?\n/, ""), true);
  return { separator, names: names.map((name) => name.trim()) };
}

/** Predict or learn the rows of a file, and tell the page how far it is. */
async function runFile({ file, learns, target }, tell) {
  stop = false;
  const { separator, names } = await headOf(file);
  const kinds = new Map(model.columns.map(({ name, kind }) => [name, kind]));
  const { drop = [] } = model.notes;
  const own = model.notes.target;
  const columns = names.map((name, j) => ({ name, j, kind: kinds.get(name) })).filter(({ name }) => name !== target && name !== own && !drop.includes(name));
  const answerAt = names.indexOf(target);
  const state = { rows: 0, learned: 0, odd: 0, out: ["row,y_pred\n"] };
  const cutter = new Cutter(separator);
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader();
  let [read, first] = [0, true];
  for (;;) {
    const { done, value = "" } = await reader.read();
    const rows = cutter.rows(first ? value.replace(/^sep=.\r?\n/, "") : value, done);
    read += value.length;
    if (first && rows.length) rows.shift(); // the names
    if (rows.length || value) first = first && !rows.length;
    for (let i = 0; i < rows.length && !stop; i += ROWS_AT_ONCE) {
      for (const cells of rows.slice(i, i + ROWS_AT_ONCE)) await oneRow(cells, { columns, answerAt, learns, width: names.length }, state);
      tell({ rows: state.rows, share: file.size ? Math.min(read / file.size, 1) : 1, score: scores.n ? scores.said : null });
      await new Promise((resolve) => setTimeout(resolve)); // a message to stop may have come
    }
    if (done || stop) break;
  }
  await reader.cancel();
  const { rows, learned, odd, out } = state;
  return { ...about(), rows, learnedRows: learned, odd, stopped: stop, predictions: new Blob(out, { type: "text/csv" }) };
}

async function oneRow(cells, { columns, answerAt, learns, width }, state) {
  if (cells.length !== width) {
    state.odd += 1;
    return;
  }
  const x = mappingOf(columns.map(({ name, j, kind }) => [name, valueOf(cells[j], kind)]));
  const y = learns && answerAt >= 0 ? answerOf(cells[answerAt]) : null;
  const [predicted, learned] = y === null ? [await model.predictOne(x), false] : await learnRow(x, y);
  state.rows += 1;
  state.learned += learned ? 1 : 0;
  state.out.push(`${state.rows},${written(predicted)}\n`);
}

// ---- what the page may ask --------------------------------------------------------------------------------------------

/** The build with all parts, as the folder has it: the header of its own model, which is opened first, says whether that has a memory. */
function wholeFor(bytes) {
  const end = bytes.byteLength < 8 ? 0 : Number(new DataView(bytes).getBigUint64(0, true));
  const header = new TextDecoder().decode(new Uint8Array(bytes).subarray(8, 8 + end));
  return /"memory_numbers": ?\{[^}]*"shape": ?\[[1-9]/.test(header) ? "./lean.wasm" : "./headwater.wasm";
}

const ANSWERS = {
  async open({ bytes }) {
    whole ??= new URL(wholeFor(bytes), import.meta.url);
    const opened = await open(bytes, { builds: { whole }, at: "the file" });
    if (opened.columns === undefined) {
      await opened.free();
      throw new TypeError("network");
    }
    await model?.free();
    model = opened;
    scores = new Scores(isRegressor());
    return about();
  },
  predict,
  async learn({ pairs, y }) {
    const [, learned] = await learnRow(mappingOf(pairs), y);
    return { learnedIt: learned, ...about() };
  },
  head: ({ file }) => headOf(file),
  file: runFile,
  stop() {
    stop = true;
  },
  save: () => model.save(),
};

onmessage = async ({ data: { id, what, given } }) => {
  try {
    const answer = await ANSWERS[what](given, (progress) => postMessage({ id, progress }));
    postMessage({ id, answer });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};
