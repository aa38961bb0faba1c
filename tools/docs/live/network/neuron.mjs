// Chapter 1: the weights of one neuron, and where it is undecided.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { number } from "../frame/texts.mjs";

const CASES = {
  parcels: { points: [[1, 0], [4, 0], [4, 1], [8, 1]], answers: null, to: 10 },
  both: { points: [[0, 0], [0, 1], [1, 0], [1, 1]], answers: [0, 0, 0, 1], to: 1.2 },
  one: { points: [[0, 0], [0, 1], [1, 0], [1, 1]], answers: [0, 1, 1, 0], to: 1.2 },
};

export default {
  words: {
    en: {
      ask: "Choose “both are 1” and move the weights and the bias until all four cases are right. Then try “one but not both”: how many can you get right?",
      solution: "For “both”, w₁ = w₂ = 2 and b = −3 will do. For “one but not both” three is the most: the line is straight, and the two cases that should say yes lie on opposite corners.",
      cases: "cases", parcels: "parcels: late?", both: "both are 1", one: "one but not both",
      right: "right", bias: "b",
    },
    zh: {
      ask: "选“两个都是 1”，调节权重和偏置，让四种情况全对。再试“恰有一个是 1”：你最多能答对几个？",
      solution: "“两个都是 1”：取 w₁ = w₂ = 2、b = −3 就行。“恰有一个是 1”最多对三个：分界线是直的，而应该答“是”的两种情况在正方形的对角上。",
      cases: "情况", parcels: "包裹：会晚到吗？", both: "两个都是 1", one: "恰有一个是 1",
      right: "答对", bias: "b",
    },
  },
  controls: {
    cases: { among: Object.keys(CASES), at: "parcels", live: true },
    "w₁": { from: -3, to: 3, step: 0.1, at: 0.5, live: true },
    "w₂": { from: -3, to: 3, step: 0.1, at: 2, live: true },
    bias: { from: -5, to: 5, step: 0.1, at: -3, live: true },
  },
  start: ({ hw }) => new Net(hw, { layers: [{ name: "dense", units: 1, activation: "sigmoid" }], inputs: 2 }),
  show(neuron, set, words) {
    neuron.set({ weights: [[set["w₁"]], [set["w₂"]]], bias: [set.bias] });
    const { points, answers, to } = CASES[set.cases];
    const said = neuron.forward(points);
    const sum = ([x1, x2]) => set["w₁"] * x1 + set["w₂"] * x2 + set.bias;
    const right = answers && answers.filter((answer, i) => said[i] > 0.5 === (answer === 1)).length;
    const yes = (i) => (answers ? answers[i] === 1 : said[i] > 0.5);
    return {
      pictures: [
        {
          title: "y = σ(w₁x₁ + w₂x₂ + b)",
          x: { from: to > 2 ? 0 : -0.2, to, name: "x₁" },
          y: { from: -0.2, to: 1.2, name: "x₂", ticks: [0, 0.5, 1] },
          shade: (grid) => neuron.forward(grid).map((y) => 2 * y - 1),
          lines: [{ points: border(set, to), colour: colours.ink }],
          dots: points.map(([x, y], i) => ({ x, y, size: 6, square: !yes(i), colour: yes(i) ? colours.blue : colours.orange })),
        },
        {
          head: ["x₁", "x₂", "z", "y", ...(answers ? ["✓"] : [])],
          rows: points.map((point, i) => [
            ...point.map(String),
            number(sum(point)),
            number(said[i]),
            ...(answers ? [said[i] > 0.5 === (answers[i] === 1) ? "✓" : "✗"] : []),
          ]),
        },
      ],
      numbers: answers ? { right: `${right} / 4` } : { z: number(sum(points[2])), y: number(said[2]) },
    };
  },
};

/** Two ends of the line where z = 0. */
function border({ "w₁": w1, "w₂": w2, bias }, to) {
  if (Math.abs(w2) < 1e-9) return Math.abs(w1) < 1e-9 ? [] : [[-bias / w1, -0.2], [-bias / w1, 1.2]];
  return [-0.2, to].map((x) => [x, -(bias + w1 * x) / w2]);
}
