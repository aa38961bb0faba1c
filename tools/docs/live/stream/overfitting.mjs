// Chapter 16: noisy points, a net that learns them by heart, and what it costs on fresh ones.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { count, number } from "../frame/texts.mjs";

const SIZES = { large: [64, 64], middle: [16], small: [3] };
const CURVE = Array.from({ length: 121 }, (_, i) => -2 + i / 30);

export default {
  words: {
    en: {
      ask: "Play the large net on 20 points. At about which epoch would you have stopped it? Then cure it in two other ways: a small net, and more rows. Which loss goes up?",
      solution: "Near epoch 100, where the loss on fresh rows is lowest. With three units or with 200 rows the two losses stay together: that on learned rows is higher, that on fresh rows lower. Nobody gets below 0.16, the noise.",
      net: "net", large: "64 + 64 units", middle: "16 units", small: "3 units", n: "rows to learn", stride: "epochs at once",
      epochs: "epochs", learned: "learned rows", fresh: "fresh rows", gap: "gap", loss: "loss", noise: "noise",
    },
    zh: {
      ask: "用大网络学 20 个点，按播放。你会在第几轮左右叫停？再用另外两种办法治它：小网络，更多样本。哪个损失升高了？",
      solution: "第 100 轮左右，那时新样本上的损失最低。用三个单元，或用 200 个样本，两个损失就靠在一起：学过的样本上高一些，新样本上低一些。谁也低不过噪声 0.16。",
      net: "网络", large: "64 + 64 个单元", middle: "16 个单元", small: "3 个单元", n: "学习的样本", stride: "每次轮数",
      epochs: "轮数", learned: "学过的样本", fresh: "新样本", gap: "差距", loss: "损失", noise: "噪声",
    },
  },
  rows: "sine",
  controls: {
    net: { among: Object.keys(SIZES), at: "large" },
    n: { among: ["20", "200"], at: "20" },
    stride: { values: [10, 90, 400], at: 10, live: true },
  },
  pace: { every: 40, steps: 1 },
  start({ hw, rows, set }) {
    const layers = [...SIZES[set.net].map((units) => ({ name: "dense", units, activation: "tanh" })), { name: "dense", units: 1 }];
    const net = new Net(hw, { layers, optimizer: { name: "adam", lr: 0.01 }, inputs: 1, seed: 1 });
    const learned = set.n === "20" ? rows.learned : rows.learned.map((column, i) => [...column, ...rows.more[i]]);
    const state = { net, learned, fresh: rows.fresh, epochs: 0, curve: [], free: () => net.free() };
    measure(state);
    return state;
  },
  step(state, { stride }) {
    state.net.fit(...state.learned, stride);
    state.epochs += stride;
    measure(state);
    return state.epochs < 5000;
  },
  show({ net, learned: [x, y], epochs, curve }, set, words) {
    const said = net.forward(CURVE);
    const [, here, new_] = curve.at(-1);
    const line = (column) => curve.map((point) => [point[0], point[column]]);
    return {
      pictures: [
        {
          x: { from: -2, to: 2, name: "x" },
          y: { from: -2.2, to: 2.2, name: "y" },
          lines: [
            { points: CURVE.map((at) => [at, Math.sin(2 * at)]), colour: colours.pale, dashed: true, width: 1.4 },
            { points: CURVE.map((at, i) => [at, said[i]]), colour: colours.blue },
          ],
          dots: x.map((at, i) => ({ x: at[0], y: y[i], colour: colours.ink, size: set.n === "20" ? 4 : 2 })),
          said: `${words.learned} ${number(here)}, ${words.fresh} ${number(new_)}`,
        },
        {
          title: words.loss,
          x: { from: 0, to: Math.max(200, epochs), name: words.epochs },
          y: { from: 0, to: 1, name: "" },
          marks: [{ y: 0.16, colour: colours.pale, text: words.noise }],
          lines: [
            { points: line(1), colour: colours.blue, name: words.learned },
            { points: line(2), colour: colours.orange, dashed: true, name: words.fresh },
          ],
        },
      ],
      numbers: { epochs: count(epochs), learned: number(here), fresh: number(new_), gap: number(new_ - here) },
    };
  },
};

function measure({ net, learned, fresh, epochs, curve }) {
  curve.push([epochs, net.loss(...learned), net.loss(...fresh)]);
}
