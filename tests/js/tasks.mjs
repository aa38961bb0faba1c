// Does what a test asks for with js/headwater.mjs:  node tasks.mjs headwater.wasm < tasks.json > answers.json
import { readFile, writeFile } from "node:fs/promises";
import { argv, stdin, stdout } from "node:process";
import { text } from "node:stream/consumers";
import { FIELDS } from "../../js/declare/declare.mjs";
import { ACTIVATIONS, LOSSES } from "../../js/declare/declared.mjs";
import { HeadwaterError, load, open } from "../../js/headwater.mjs";
import { sha256 } from "../../js/file/sha256.mjs";
import { partsOfText } from "../../js/rows/times.mjs";
import { asNumber, textOfNumber } from "../../js/rows/values.mjs";

const hw = await load(argv[2]);

/** What JSON can't say: a moment, and a value of no usable type. */
const revived = (_, value) => {
  if (value !== null && typeof value === "object" && "$moment" in value) return new Date(value.$moment);
  if (value !== null && typeof value === "object" && "$odd" in value) return () => 0;
  return value !== null && typeof value === "object" && "$names" in value ? new Map(value.$names) : value;
};

async function opened({ kind, settings, from }) {
  return from ? hw.load(await readFile(from), from) : new hw[kind](settings);
}

/** Say of a model what a test compares. */
async function said(model, { to }) {
  if (to) await writeFile(to, model.save());
  return { digest: String(model.digest()), learned: model.nLearned, classes: model.classes, rejected: model.rejected };
}

const TASKS = {
  /** Learn rows of a file of JSON lines, one by one or many at a time, and say what was predicted before each. */
  async learn(task) {
    const model = await opened(task);
    const lines = (await readFile(task.rows, "utf8")).trimEnd().split("\n").slice(task.start, task.stop);
    const rows = lines.map((line) => JSON.parse(line, revived));
    const begun = performance.now();
    let predicted = [];
    if (task.many) predicted = [...model.learnMany(rows.map(({ x }) => x), rows.map(({ y }) => y), rows.map(({ w }) => w))];
    else
      for (const { x, y, w } of rows) {
        predicted.push(model.predictOne(x));
        model.learnOne(x, y, w);
      }
    const micros = ((performance.now() - begun) * 1000) / rows.length;
    const last = rows.at(-1).x;
    const proba = model.predictProbaOne ? [...model.predictProbaOne(last)] : model.predictIntervalOne(last);
    const answer = { predicted, proba, micros, ...(await said(model, task)) };
    model.free();
    return answer;
  },

  /** Learn arrays, which lie in files as their bytes: X float64, y float64. */
  async arrays(task) {
    const model = await opened(task);
    const [data, y] = [await floats(task.X), await floats(task.y)];
    const learned = task.single ? oneByOne(model, data, y) : model.learnMany({ data, shape: task.shape }, y);
    const again = model.predictMany({ data, shape: task.shape });
    return { early: [...(learned.data ?? learned)], again: [...(again.data ?? again)], ...(await said(model, task)) };
  },

  /** Descend on batches, and say gradients, losses and layers. */
  async descend({ settings, X, y, batch }) {
    const net = new hw.Network(settings);
    const gradients = net.gradients(X, y);
    const [first] = net.layerGradients(X, y);
    const losses = [net.loss(X, y)];
    for (let at = 0; at < X.length; at += batch) losses.push(net.learnBatch(X.slice(at, at + batch), y.slice(at, at + batch)));
    net.update(gradients);
    const layers = net.layers;
    layers[0].weights.data[1] = 0.5;
    layers.at(-1).bias[0] = -2;
    net.setLayers(layers);
    net.write("touched", net.array("touched").data);
    const plain = (layer) => ({ name: layer.name, weights: [...layer.weights.data], shape: layer.weights.shape, bias: layer.bias && [...layer.bias] });
    return { gradients: [...gradients], first: plain(first), losses, layers: net.layers.map(plain), ...(await said(net, {})) };
  },

  /** Explain predictions of a saved model, and say which columns it knows. */
  async explain({ from, samples }) {
    const model = hw.load(await readFile(from), from);
    const before = model.digest();
    const why = samples.map(({ x, ...options }) => {
      const { contributions, rest, ...said } = model.explainOne(x, options);
      return { ...said, values: undefined, rest, contributions: [...contributions] };
    });
    return { why, columns: model.columns, unchanged: model.digest() === before };
  },

  /** Make a model and write its file. */
  async make(task) {
    return said(await opened(task), task);
  },

  /** Say what a mistake leads to. */
  async mistake({ kind, settings, calls = [] }) {
    try {
      const model = kind === "load" ? hw.load(Uint8Array.from(settings)) : new hw[kind](settings);
      for (const [name, ...given] of calls) model[name](...given);
      return null;
    } catch (error) {
      return { is: error instanceof HeadwaterError, name: error.name, message: error.message };
    }
  },

  /** Open files of which each may be broken; what opens must learn, predict and save. */
  async hostile({ files }) {
    const answers = [];
    for (const file of files) {
      try {
        const model = hw.load(await readFile(file), file);
        used(model);
        answers.push({ name: null });
      } catch (error) {
        answers.push({ name: error.name, message: error.message, trap: error instanceof WebAssembly.RuntimeError });
      }
    }
    return answers;
  },

  async values({ texts, numbers }) {
    const circle = { sine: () => 0, cosine: () => 1 };
    return {
      numbers: texts.map((one) => String(asNumber(one))),
      elapsed: texts.map((one) => partsOfText(one, circle)?.[0] ?? null),
      texts: numbers.map((one) => textOfNumber(Number(one))),
    };
  },

  async tables() {
    return { fields: FIELDS, activations: ACTIVATIONS, losses: LOSSES };
  },

  async sha({ size }) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => i * 7);
    return sha256(bytes.subarray(0, size >> 1), bytes.subarray(size >> 1));
  },

  /** Make learners without end, and say how much memory there is at last. */
  async leak({ kind, settings, rounds }) {
    for (let i = 0; i < rounds; i++) {
      const model = new hw[kind](settings);
      for (let j = 0; j < 20; j++) model.learnOne({ a: j, b: `t${j % 3}` }, j % 2);
      const again = hw.load(model.save());
      model.free();
      again.free();
      if (i === rounds >> 1) var half = again.core.memory.buffer.byteLength;
      if (i === rounds - 1) return { half, last: again.core.memory.buffer.byteLength };
    }
  },

  /** Learn rows with texts, gaps and dates, and say how much memory there is after a tenth of them and at last. */
  async flat({ settings, rows }) {
    const model = new hw.Classifier(settings);
    const said = [];
    for (let i = 0; i < rows; i++) {
      const x = { a: (i * 7919) % 1000, b: i % 3 ? `word ${i % 50}` : null, c: i % 5 ? i % 11 : undefined };
      if (i % 4 === 0) x.when = `2024-01-${10 + (i % 20)}T10:00`;
      model.predictOne(x);
      model.learnOne(x, i % 7 > 3);
      if (i === rows / 10 || i === rows - 1) said.push([model.core.memory.buffer.byteLength, process.memoryUsage().rss]);
    }
    return said;
  },
};

/** Learn rows by a call each; returns what was predicted before each was learned. */
function oneByOne(model, data, y) {
  const width = data.length / y.length;
  return Array.from(y, (answer, i) => {
    const early = model.learnOne(data.subarray(i * width, (i + 1) * width), answer);
    return typeof early === "number" ? early : [...early];
  });
}

async function floats(path) {
  const bytes = await readFile(path);
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** Use a model in all ways. */
function used(model) {
  if (model instanceof hw.Network) {
    const width = model.settings.inputs ?? 2;
    model.predictOne(new Array(width).fill(0));
    model.learnOne(new Array(width).fill(0), model.outputs > 1 ? new Array(model.outputs).fill(0) : 0);
  } else {
    for (let i = 0; i < 30; i++) {
      const row = { a: i, b: `word ${i}`, size: i / 7, colour: i % 2 ? "red" : "new", when: "2024-05-05T10:00" };
      model.predictOne(row);
      model.learnOne(row, model instanceof hw.Classifier && model.settings.loss !== "binary_cross_entropy" ? i % 5 : i % 2);
    }
  }
  hw.load(model.save()).free();
  model.digest();
  model.free();
}

const tasks = JSON.parse(await text(stdin), revived);
const answers = [];
for (const { do: name, ...task } of tasks) answers.push(await TASKS[name](task));
stdout.write(JSON.stringify(answers, (_, value) => (typeof value === "bigint" ? String(value) : value)));
