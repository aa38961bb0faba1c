// Chapter 22: count the work of a row, then measure it on the reader's own machine.

import { Draws } from "../frame/draws.mjs";
import { colours } from "../frame/colours.mjs";
import { count, number } from "../frame/texts.mjs";

const BLOCK = 200; // rows learned at once
const LEAST = 20; // milliseconds a measurement lasts at least
const KEPT = 8;

export default {
  words: {
    en: {
      ask: "Count before you measure: four times as many units in two layers are how many times the work? Then press “Step”: is the time a row as many times as long?",
      solution: "64-64 against 256-256 is 13 times the multiply-adds. The time grows less than that, since a small net spends part of its row on what surrounds the sums.",
      inputs: "inputs", units: "units a layer", depth: "hidden layers", numbers: "numbers", work: "multiply-adds a row", bytes: "memory with Adam", time: "µs a row, best so far", speed: "rows a second",
      measured: "µs a row on this machine",
    },
    zh: {
      ask: "先数再测：两层都放大到四倍的单元，工作量是多少倍？然后按“走一步”：每个样本的时间也是那么多倍吗？",
      solution: "64-64 换成 256-256，乘加次数是 13 倍。时间增长得少一些，因为小网络处理一个样本的时间，有一部分花在求和之外。",
      inputs: "输入数", units: "每层单元", depth: "隐藏层数", numbers: "参数个数", work: "每个样本的乘加次数", bytes: "用 Adam 的内存", time: "每个样本微秒，目前最好", speed: "每秒样本数",
      measured: "在这台机器上每个样本微秒",
    },
  },
  controls: {
    inputs: { values: [5, 20, 54, 100], at: 20 },
    units: { values: [16, 64, 128, 256], at: 64 },
    depth: { from: 0, to: 3, step: 1, at: 1 },
  },
  pace: { every: 150, steps: 1 },
  start({ hw, set: { inputs, units, depth }, before }) {
    const shape = [inputs, ...new Array(depth).fill(units), 1];
    const layers = shape.slice(1).map((m, i) => (i < depth ? { name: "dense", units: m, activation: "relu" } : { name: "dense", units: m }));
    const net = new hw.Network({ layers, optimizer: { name: "adam", lr: 0.001 }, inputs, seed: 1 });
    const draws = new Draws(1);
    const X = { data: Float32Array.from({ length: BLOCK * inputs }, () => draws.normal()), shape: [BLOCK, inputs] };
    const y = Float32Array.from({ length: BLOCK }, () => draws.normal());
    const kept = before ? [...before.kept, [before.shape.join("-"), before.best]].filter(([, best]) => best < Infinity).slice(-KEPT) : [];
    return { net, X, y, shape, kept, best: Infinity, free: () => net.free() };
  },
  step(state) {
    const { net, X, y } = state;
    let rows = 0;
    const begun = performance.now();
    while (performance.now() - begun < LEAST) {
      net.learnMany(X, y);
      rows += BLOCK;
    }
    state.best = Math.min(state.best, (1000 * (performance.now() - begun)) / rows);
  },
  show({ shape, best, kept }, set, words) {
    const pairs = shape.slice(1).map((m, i) => [shape[i], m]);
    const sum = (of) => pairs.reduce((total, pair) => total + of(...pair), 0);
    const numbers = sum((n, m) => (n + 1) * m);
    const known = [...kept.filter(([name]) => name !== shape.join("-")), [shape.join("-"), best]];
    return {
      pictures: [
        {
          head: ["n → m", words.numbers, words.work],
          rows: pairs.map(([n, m]) => [`${n} → ${m}`, count((n + 1) * m), count(3 * n * m)]),
        },
        {
          title: words.measured,
          items: known.map(([name, time], i) => ({
            ...{ name, value: time < Infinity ? time : 0, text: time < Infinity ? number(time, 2) : "?" },
            colour: i === known.length - 1 ? colours.orange : colours.blue,
          })),
        },
      ],
      numbers: {
        numbers: count(numbers),
        work: count(3 * sum((n, m) => n * m)),
        bytes: `${count((4 * numbers * 3) / 1000)} kB`,
        time: best < Infinity ? number(best, 2) : "–",
        speed: best < Infinity ? count(1e6 / best) : "–",
      },
    };
  },
};
