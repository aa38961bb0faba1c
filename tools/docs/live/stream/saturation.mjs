// Chapter 18: how much of the gradient arrives at the lower layers of a deep net.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { number } from "../frame/texts.mjs";

const UNITS = 16;
const KINDS = {
  sigmoid: (initializer) => [{ name: "dense", units: UNITS, activation: "sigmoid", ...initializer }],
  tanh: (initializer) => [{ name: "dense", units: UNITS, activation: "tanh", ...initializer }],
  relu: (initializer) => [{ name: "dense", units: UNITS, activation: "relu", ...initializer }],
  layer: (initializer) => [{ name: "dense", units: UNITS, ...initializer }, { name: "layer_norm" }, "sigmoid"],
  batch: (initializer) => [{ name: "dense", units: UNITS, ...initializer }, { name: "batch_norm" }, "sigmoid"],
};
const STARTS = { good: {}, wide: { initializer: { name: "uniform", scale: 5 } } };

export default {
  words: {
    en: {
      ask: "The bars show the mean gradient of each layer, by its power of ten. Which activations let the first of eight layers hear as much as the last? Is layer norm enough to save the sigmoid? And what does a start between −5 and 5 do to ReLU?",
      solution: "Behind sigmoids the first layer gets some 25,000 times less than the last, behind layer norm still 2,000 times less, behind batch norm a fifth; with tanh or ReLU about as much. From a wide start ReLU's gradients explode: its slopes stay 1 however large the sums, and the weights multiply.",
      kind: "layers of", depth: "layers", start: "start", sigmoid: "sigmoid", tanh: "tanh", relu: "ReLU", layer: "layer norm, sigmoid", batch: "batch norm, sigmoid",
      good: "as usual", wide: "between −5 and 5", first: "layer 1", last: "last layer", ratio: "first / last", title: "mean gradient, by its power of ten", name: "layer #",
    },
    zh: {
      ask: "条形表示每一层的平均梯度，长度按 10 的几次方算。哪些激活函数能让八层中的第一层听到的和最后一层一样多？层归一化足以救 sigmoid 吗？从 −5 到 5 之间开始，ReLU 会怎样？",
      solution: "隔着 sigmoid，第一层得到的约是最后一层的 25,000 分之一；加了层归一化，也还只有两千分之一，加了批归一化有五分之一；用 tanh、ReLU 就差不多。初始权重太大，ReLU 的梯度会爆炸：加权和再大，斜率仍是 1，权重却连乘起来。",
      kind: "各层为", depth: "层数", start: "初始权重", sigmoid: "sigmoid", tanh: "tanh", relu: "ReLU", layer: "层归一化，sigmoid", batch: "批归一化，sigmoid",
      good: "照常", wide: "−5 到 5 之间", first: "第 1 层", last: "最后一层", ratio: "第一层 / 最后一层", title: "平均梯度（10 的几次方）", name: "第 # 层",
    },
  },
  rows: "deep",
  controls: {
    kind: { among: Object.keys(KINDS), at: "sigmoid" },
    start: { among: Object.keys(STARTS), at: "good" },
    depth: { from: 2, to: 10, step: 1, at: 8 },
  },
  start({ hw, rows: { X, y }, set: { kind, start, depth } }) {
    const hidden = Array.from({ length: depth }, () => KINDS[kind](STARTS[start])).flat();
    const layers = [...hidden, { name: "dense", units: 1 }];
    const net = new Net(hw, { layers, loss: "binary_cross_entropy", optimizer: { name: "sgd", lr: 1e-9 }, inputs: UNITS, seed: 1 });
    if (kind === "batch") net.fit(X, y, 100); // so that it sees the rows; the weights stay
    const dense = net.layerGradients(X, y).filter(({ weights }) => weights.length === UNITS).slice(0, depth); // not the norms'
    net.free();
    return dense.map(({ weights }) => mean(weights.flat().map(Math.abs)));
  },
  show(sizes, set, words) {
    const [floor, high] = [-9, Math.max(0, Math.ceil(Math.log10(Math.max(...sizes))))];
    return {
      pictures: [
        {
          title: words.title,
          items: sizes.map((size, i) => {
            const log = size > 0 ? Math.max(floor, Math.log10(size)) : floor;
            return { name: words.name.replace("#", i + 1), value: log - floor, text: power(size), colour: i === 0 ? colours.orange : colours.blue };
          }),
          to: high - floor,
        },
      ],
      numbers: { first: power(sizes[0]), last: power(sizes.at(-1)), ratio: power(sizes[0] / sizes.at(-1), 0) },
    };
  },
};

function mean(numbers) {
  return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}

/** As Python's format e. */
function power(x, digits = 1) {
  if (!x) return number(0, 0);
  return x.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2").replaceAll("-", "−");
}
