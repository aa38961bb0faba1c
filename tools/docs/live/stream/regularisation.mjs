// Chapter 19: twenty weights of which three matter, and what each penalty makes of them.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { count, number } from "../frame/texts.mjs";

const HALF = { name: "mse", a: 0.5 };
const NEAR = 0.01;

export default {
  words: {
    en: {
      ask: "Only the first three inputs matter. Which penalty finds that out by itself? How strong may it be before it pulls the useful weights down too?",
      solution: "L1 sends most of the useless weights to zero, L2 makes all of them smaller and none zero. At a strength of 1 the first and the third weight are gone as well: too much regularisation is underfitting.",
      penalty: "penalty", none: "none", l1: "L1", l2: "L2", strength: "strength λ", stride: "steps at once",
      steps: "steps", near: "weights near zero", first: "the first three", weights: "weights", loss: "loss without penalty",
    },
    zh: {
      ask: "只有前三个输入有用。哪种惩罚会自己发现这一点？它能有多强，才不至于把有用的权重也拉下来？",
      solution: "L1 把大多数无用的权重拉到零；L2 让所有权重变小，但没有一个为零。强度为 1 时，第一个和第三个权重也没了：正则化太强就是欠拟合。",
      penalty: "惩罚", none: "没有", l1: "L1", l2: "L2", strength: "强度 λ", stride: "每次步数",
      steps: "步数", near: "接近零的权重", first: "前三个", weights: "权重", loss: "不含惩罚的损失",
    },
  },
  rows: "twenty",
  controls: {
    penalty: { among: ["none", "l1", "l2"], at: "none" },
    strength: { values: [0.01, 0.03, 0.1, 0.3, 0.5, 1, 2], at: 0.1 },
    stride: { values: [10, 100, 3000], at: 100, live: true },
  },
  pace: { every: 40, steps: 1 },
  start({ hw, rows: { X, y }, set: { penalty, strength } }) {
    const more = penalty === "none" ? {} : { [penalty]: strength };
    const settings = { layers: [{ name: "dense", units: 1 }], loss: HALF, optimizer: { name: "sgd", lr: 0.01 }, inputs: 20, seed: 1 };
    const [net, look] = [new Net(hw, { ...settings, ...more }), new Net(hw, settings)];
    return { net, look, X, y, steps: 0, free: () => (net.free(), look.free()) };
  },
  step(state, { stride }) {
    state.net.fit(state.X, state.y, Math.min(stride, 3000 - state.steps));
    state.steps = Math.min(3000, state.steps + stride);
    return state.steps < 3000;
  },
  show({ net, look, X, y, steps }, set, words) {
    const [layer] = net.layers;
    const w = layer.weights.flat();
    const near = w.filter((weight) => Math.abs(weight) < NEAR).length;
    return {
      pictures: [
        {
          title: words.weights,
          x: { from: 0, to: 21, name: "i", ticks: [1, 5, 10, 15, 20] },
          y: { from: -2.2, to: 1.4, name: "wᵢ" },
          lines: w.map((weight, i) => ({ points: [[i + 1, 0], [i + 1, weight]], width: 7, colour: i < 3 ? colours.blue : colours.orange })),
          dots: w.flatMap((weight, i) => (Math.abs(weight) < NEAR ? [{ x: i + 1, y: 0, hollow: true, size: 4, colour: colours.pale }] : [])),
          marks: [{ y: 0, dashed: false, colour: colours.pale }],
          said: `${words.near}: ${near} / 20`,
        },
      ],
      numbers: {
        steps: count(steps),
        near: String(near),
        first: w.slice(0, 3).map((weight) => number(Math.abs(weight), 2)).join(", "),
        loss: number(look.set(layer).loss(X, y)),
      },
    };
  },
};
