// Chapter 9: update rules on their way through a narrow valley.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { number } from "../frame/texts.mjs";

const RULES = { sgd: 0.018, momentum: 0.018, adagrad: 0.5, rmsprop: 0.05, adam: 0.1, cocob: null };
const [X, Y] = [[[1, 0], [0, 10]], [1, 10]]; // best: both weights 1
const ARRIVED = 0.001;
const MOST = 1000;

export default {
  words: {
    en: {
      ask: "Let each rule run until it arrives. SGD's rate is 0.018: what happens at 1.2 times that, and why can it not be larger?",
      solution: "Across the valley the loss is a hundred times as steep as along it. Above 0.02 each step across lands higher than it began, so SGD flies out; and with a rate that small it creeps along. Adam and the others give each weight a step of its own.",
      rule: "rule", times: "rate, times", sgd: "SGD", momentum: "动量", adagrad: "AdaGrad", rmsprop: "RMSProp", adam: "Adam", cocob: "COCOB",
      steps: "steps", loss: "loss", state: "", arrived: "arrived", flown: "flown away", underway: "on its way",
    },
    zh: {
      ask: "让每种规则都跑到终点。SGD 的学习率是 0.018：放大到 1.2 倍会怎样？为什么不能再大？",
      solution: "横穿山谷的方向比沿着山谷陡一百倍。超过 0.02，每一步横跨都落得比出发点更高，SGD 就飞出去了；而这么小的学习率，沿着山谷只能慢慢爬。Adam 等规则给每个权重自己的步长。",
      rule: "规则", times: "学习率倍数", sgd: "SGD", momentum: "动量", adagrad: "AdaGrad", rmsprop: "RMSProp", adam: "Adam", cocob: "COCOB",
      steps: "步数", loss: "损失", state: "", arrived: "到了", flown: "飞出去了", underway: "在路上",
    },
  },
  controls: {
    rule: { among: Object.keys(RULES), at: "sgd" },
    times: { values: [0.1, 0.25, 0.5, 0.9, 1, 1.1, 1.2, 2, 5], at: 1 },
  },
  pace: { every: 30, steps: 1 },
  start({ hw, set: { rule, times }, before }) {
    const lr = RULES[rule];
    const optimizer = lr === null ? { name: rule } : { name: rule, lr: lr * times };
    const net = new Net(hw, { layers: [{ name: "dense", units: 1, bias: false }], optimizer, inputs: 2 }).set({ weights: [[-2], [2]] });
    const kept = before ? [...before.kept, { rule: before.rule, path: before.path }].filter((one) => one.rule !== rule) : [];
    return { net, rule, kept, path: [[-2, 2]], free: () => net.free() };
  },
  step({ net, path }) {
    net.update(net.gradients(X, Y));
    path.push(net.layers[0].weights.flat());
    const loss = net.loss(X, Y);
    return loss > ARRIVED && loss < 1e6 && path.length <= MOST;
  },
  show({ net, path, kept }, set, words) {
    const loss = net.loss(X, Y);
    const [w1, w2] = path.at(-1);
    const state = loss <= ARRIVED ? words.arrived : loss > 1e6 ? words.flown : words.underway;
    return {
      pictures: [
        {
          key: "valley",
          title: words[set.rule],
          x: { from: -2.4, to: 2.2, name: "w₁" },
          y: { from: -0.4, to: 2.4, name: "w₂" },
          shade: (grid) => grid.map(([a, b]) => Math.log10(((a - 1) ** 2 + (10 * b - 10) ** 2) / 2 + 0.01) / 2),
          lines: [
            ...kept.map((one) => ({ points: one.path, colour: colours.pale, width: 1, dashed: true })),
            { points: path, colour: colours.ink, width: 1.5 },
          ],
          dots: [{ x: 1, y: 1, colour: colours.green, square: true, size: 5 }, { x: w1, y: w2, colour: colours.ink, size: 6 }],
        },
      ],
      numbers: { steps: String(path.length - 1), loss: number(loss, 4), "w₁": number(w1, 3), "w₂": number(w2, 3), state },
    };
  },
};
