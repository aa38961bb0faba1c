// Chapter 11: six points, the line and the neuron, to the last digit.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { count, number } from "../frame/texts.mjs";

const X = [0, 1, 2, 3, 4, 5];
const Y = [0, 0, 0, 1, 1, 1];
const CURVE = Array.from({ length: 108 }, (_, i) => -0.5 + 0.1 * i);

export default {
  words: {
    en: {
      ask: "How many steps does the line need until w = 0.218181818 = 12/55? And the neuron: do its weights ever come to rest? Give it a little l2 and look again.",
      solution: "Some 250 steps for nine digits. The neuron's weights grow for ever, more and more slowly, as a steeper sigmoid is always a little better; with l2 = 0.01 they rest at w = 3.2126, b = −8.0316.",
      model: "model", line: "line p = w·x", neuron: "neuron p = σ(w·x + b)", stride: "steps at once", l2: "penalty l2",
      steps: "steps", loss: "loss", ten: "at x = 10", undecided: "undecided at x",
    },
    zh: {
      ask: "直线要走多少步，才有 w = 0.218181818 = 12/55？神经元呢：它的权重会停下来吗？给它一点 l2 再看。",
      solution: "大约 250 步就有九位数字。神经元的权重会一直增长，只是越来越慢，因为更陡的 sigmoid 总是好一点点；l2 = 0.01 时停在 w = 3.2126、b = −8.0316。",
      model: "模型", line: "直线 p = w·x", neuron: "神经元 p = σ(w·x + b)", stride: "每次步数", l2: "惩罚 l2",
      steps: "步数", loss: "损失", ten: "x = 10 处", undecided: "犹豫之处 x",
    },
  },
  controls: {
    model: { among: ["line", "neuron"], at: "line" },
    stride: { values: [1, 8, 90, 900, 1990], at: 1, live: true },
    l2: { values: [0, 0.001, 0.01, 0.1], at: 0 },
  },
  pace: { every: 60, steps: 1 },
  start({ hw, set: { model, l2 } }) {
    const line = model === "line";
    const layers = [{ name: "dense", units: 1, bias: !line, initializer: "zeros" }];
    const loss = line ? { name: "mse", a: 0.5 } : "binary_cross_entropy"; // half the mean squared error
    const net = new Net(hw, { layers, loss, l2, optimizer: { name: "sgd", lr: line ? 0.01 : 0.5 }, inputs: 1 });
    return { net, line, steps: 0, free: () => net.free() };
  },
  step(state, { stride }) {
    state.net.fit(X, Y, stride);
    state.steps += stride;
    return state.steps < 50_000;
  },
  show({ net, line, steps }, set, words) {
    const [{ weights, bias }] = net.layers;
    const [w, b] = [weights[0][0], bias[0]];
    const said = net.forward(CURVE);
    return {
      pictures: [
        {
          title: words[set.model],
          x: { from: -0.5, to: 10.2, name: "x" },
          y: { from: -0.2, to: 2.3, name: "p" },
          marks: [{ y: 0.5, colour: colours.pale }],
          lines: [{ points: CURVE.map((x, i) => [x, said[i]]), colour: line ? colours.blue : colours.orange }],
          dots: X.map((x, i) => ({ x, y: Y[i], colour: colours.ink, size: 5 })),
        },
        {
          head: ["x", "y", "p"],
          rows: [...X, 10].map((x, i) => [String(x), i < 6 ? String(Y[i]) : "?", number(net.forward([x])[0])]),
        },
      ],
      numbers: {
        steps: count(steps),
        w: number(w, line ? 9 : 3),
        ...(line ? {} : { b: number(b, 3), undecided: number(-b / w, 2) }),
        loss: number(net.loss(X, Y), 4),
      },
    };
  },
};
