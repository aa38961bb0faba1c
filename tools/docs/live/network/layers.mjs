// Chapter 2: two hidden neurons move the four cases, so that a straight line can part them.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { number } from "../frame/texts.mjs";

const CASES = [[0, 0], [0, 1], [1, 0], [1, 1]];
const ANSWERS = { one: [0, 1, 1, 0], both: [0, 0, 0, 1] };
const NAMES = ["(0,0)", "(0,1) (1,0)", "", "(1,1)"]; // two of the cases become one point
const HIDDEN = [[1, 1], [1, 1]]; // both hidden neurons add the two inputs

export default {
  words: {
    en: {
      ask: "The net says “one but not both”. Make it say “both are 1” by moving only the last two weights. Then take the bend away: can any setting still say “one but not both”?",
      solution: "“Both”: v₁ = 0 and v₂ = 1, for the second hidden neuron speaks only then. Without the bend the two layers are one, its border is straight, and at most three of four cases are right.",
      task: "task", one: "one but not both", both: "both are 1", bend: "bend", relu: "ReLU", identity: "none",
      b: "bias of h₂", right: "right",
    },
    zh: {
      ask: "现在网络说的是“恰有一个是 1”。只动最后两个权重，让它说“两个都是 1”。然后去掉激活函数：还有哪种设置能说出“恰有一个是 1”吗？",
      solution: "“两个都是 1”：取 v₁ = 0、v₂ = 1，因为只有那时第二个隐藏神经元才发声。去掉激活函数，两层就等于一层，分界线是直的，四种情况最多对三种。",
      task: "任务", one: "恰有一个是 1", both: "两个都是 1", bend: "激活函数", relu: "ReLU", identity: "没有",
      b: "h₂ 的偏置", right: "答对",
    },
  },
  controls: {
    task: { among: ["one", "both"], at: "one", live: true },
    bend: { among: ["relu", "identity"], at: "relu" },
    "v₁": { from: -3, to: 3, step: 0.5, at: 1, live: true },
    "v₂": { from: -3, to: 3, step: 0.5, at: -2, live: true },
    b: { from: -2, to: 1, step: 0.25, at: -1, live: true },
  },
  start({ hw, set }) {
    const first = { name: "dense", units: 2, activation: set.bend };
    const net = new Net(hw, { layers: [first, { name: "dense", units: 1 }], inputs: 2 });
    const hidden = new Net(hw, { layers: [first], inputs: 2 });
    return { net, hidden, free: () => (net.free(), hidden.free()) };
  },
  show({ net, hidden }, set, words) {
    const [v1, v2] = [set["v₁"], set["v₂"]];
    const first = { weights: HIDDEN, bias: [0, set.b] };
    net.set(first, { weights: [[v1], [v2]], bias: [0] });
    const h = hidden.set(first).forward(CASES);
    const p = net.forward(CASES);
    const answers = ANSWERS[set.task];
    const right = answers.map((answer, i) => p[i] > 0.5 === (answer === 1));
    const look = (i) => ({ size: 6, square: !answers[i], colour: answers[i] ? colours.blue : colours.orange });
    return {
      pictures: [
        {
          columns: [
            [{ text: "x₁", colour: colours.pale }, { text: "x₂", colour: colours.pale }],
            [{ text: "h₁", below: "b = 0" }, { text: "h₂", below: `b = ${number(set.b, 2)}` }],
            [{ text: "p", colour: colours.orange }],
          ],
          arrows: [
            ...[0, 1].flatMap((i) => [0, 1].map((j) => ({ from: [0, i], to: [1, j], text: "1", weight: 1, at: i === j ? 0.5 : 0.3 }))),
            ...[v1, v2].map((v, j) => ({ from: [1, j], to: [2, 0], text: number(v, 1), weight: v })),
          ],
          said: `v₁ = ${v1}, v₂ = ${v2}`,
        },
        {
          title: "h",
          x: { from: -0.5, to: 2.7, name: "h₁" },
          y: { from: -2.2, to: 2.7, name: "h₂" },
          lines: [{ points: line(v1, v2), colour: colours.ink, dashed: true }],
          dots: CASES.map((_, i) => ({ x: h[2 * i], y: h[2 * i + 1], text: NAMES[i], ...look(i) })),
        },
        {
          title: "p",
          x: { from: -0.25, to: 1.25, name: "x₁", ticks: [0, 1] },
          y: { from: -0.25, to: 1.25, name: "x₂", ticks: [0, 1] },
          shade: (grid) => net.forward(grid).map((value) => 2 * value - 1),
          dots: CASES.map(([x, y], i) => ({ x, y, ...look(i) })),
        },
        {
          head: ["x", "h", "p", "✓"],
          rows: CASES.map((point, i) => [`(${point})`, `(${[h[2 * i], h[2 * i + 1]].map((value) => number(value, 2)).join(", ")})`, number(p[i], 2), right[i] ? "✓" : "✗"]),
        },
      ],
      numbers: { right: `${right.filter(Boolean).length} / 4` },
    };
  },
};

/** Where v₁h₁ + v₂h₂ = ½. */
function line(v1, v2) {
  if (v2 === 0) return v1 === 0 ? [] : [[0.5 / v1, -2.2], [0.5 / v1, 2.7]];
  return [-0.5, 2.7].map((h) => [h, (0.5 - v1 * h) / v2]);
}
