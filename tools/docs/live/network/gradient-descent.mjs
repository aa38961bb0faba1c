// Chapter 5: one weight goes downhill, with a learning rate that the reader chooses.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { number } from "../frame/texts.mjs";

const SHOWN = 6; // of the last steps, in the table
const ANSWER = 3; // the best weight, whatever the input

export default {
  words: {
    en: {
      ask: "What is the largest learning rate with which the weight still arrives at 3? What happens just above it? Then try the input 10.",
      solution: "Just below 1: the distance from 3 is multiplied by 1 − 2η in each step, so at 1 it jumps to and fro for ever and beyond it flies away. With the input 10 the factor is 1 − 200η, and only rates below 0.01 arrive.",
      lr: "learning rate η", input: "input x", steps: "steps", loss: "loss", slope: "slope",
    },
    zh: {
      ask: "学习率最大取多少，权重还能走到 3？再大一点会怎样？然后把输入换成 10 试试。",
      solution: "略小于 1：每一步都把到 3 的距离乘以 1 − 2η，等于 1 时永远来回跳，再大就越跳越远。输入为 10 时这个因子是 1 − 200η，只有小于 0.01 的学习率能走到。",
      lr: "学习率 η", input: "输入 x", steps: "步数", loss: "损失", slope: "斜率",
    },
  },
  controls: {
    lr: { values: [0.001, 0.003, 0.005, 0.0099, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1, 1.01, 1.1], at: 0.1 },
    input: { among: ["1", "10"], at: "1" },
  },
  pace: { every: 350, steps: 1 },
  start({ hw, set }) {
    const layers = [{ name: "dense", units: 1, bias: false, initializer: "zeros" }];
    const net = new Net(hw, { layers, inputs: 1, loss: "mse", optimizer: { name: "sgd", lr: set.lr } });
    return { net, x: [[Number(set.input)]], y: [[ANSWER * Number(set.input)]], path: [], free: () => net.free() };
  },
  step({ net, x, y, path }) {
    const [loss, gradient, before] = [net.loss(x, y), net.gradients(x, y), weight(net)];
    net.update(gradient);
    path.push({ before, loss, slope: gradient.reduce((sum, g) => sum + g, 0), after: weight(net) });
    return path.length < 300 && Math.abs(weight(net)) < 1e9;
  },
  show({ net, x, y, path }, set, words) {
    const w = weight(net);
    const scale = Number(set.input) ** 2;
    const visited = [...path.map(({ before }) => before), w];
    const height = (at) => scale * (at - ANSWER) ** 2;
    const last = path.slice(-SHOWN);
    return {
      pictures: [
        {
          title: `L = (w·x − ${ANSWER * Number(set.input)})²`,
          x: { from: -4.2, to: 10.2, name: "w" },
          y: { from: 0, to: 40 * scale, name: "L" },
          lines: [
            { points: Array.from({ length: 97 }, (_, i) => [-4.2 + 0.15 * i, height(-4.2 + 0.15 * i)]), colour: colours.pale },
            { points: visited.slice(-40).map((at) => [at, height(at)]), colour: colours.orange, width: 1.2 },
          ],
          dots: visited.slice(-12).map((at, i, all) => ({
            ...{ x: at, y: height(at), size: i === all.length - 1 ? 6 : 3 },
            colour: i === all.length - 1 ? colours.blue : colours.orange,
          })),
        },
        {
          head: [words.steps, words.loss, words.slope, "w"],
          rows: last.map(({ loss, slope, after }, i) => [
            String(path.length - last.length + i + 1),
            ...[loss, slope, after].map((value) => number(value, 4)),
          ]),
          strong: last.length - 1,
        },
      ],
      numbers: { steps: String(path.length), w: number(w, 4), loss: number(net.loss(x, y), 4) },
    };
  },
};

function weight(net) {
  return net.layers[0].weights[0][0];
}
