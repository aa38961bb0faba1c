// Chapter 4: one guess for five answers, and which guess each loss likes best.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { number } from "../frame/texts.mjs";

const LOSSES = {
  mse: { name: "mse" },
  mae: { name: "mae" },
  huber: { name: "huber", a: 1 },
  quantile: { name: "quantile", a: 0.3 },
  high: { name: "quantile", a: 0.9 },
};
const GUESSES = Array.from({ length: 200 }, (_, i) => 0.5 * i);

export default {
  words: {
    en: {
      ask: "The answers are 1, 2, 3, 4 and an outlier. Pull the outlier in from 90: which losses move their best guess with it, and which don't care?",
      solution: "Only the squared error follows: its best guess is the mean. The absolute error and Huber stay at 3, the median, as long as two answers lie above it. The quantile 0.9 sits on the outlier itself.",
      loss: "loss", mse: "squared", mae: "absolute", huber: "Huber, a = 1", quantile: "quantile 0.3", high: "quantile 0.9",
      guess: "guess", outlier: "outlier", best: "best guess", cost: "loss of this guess", lowest: "loss of the best",
    },
    zh: {
      ask: "答案是 1、2、3、4 和一个离群值。把离群值从 90 往回拉：哪些损失的最佳猜测会跟着动，哪些无所谓？",
      solution: "只有平方误差跟着走：它的最佳猜测是均值。只要上面还有两个答案，绝对误差和 Huber 就停在中位数 3。分位数 0.9 就落在离群值本身上。",
      loss: "损失", mse: "平方误差", mae: "绝对误差", huber: "Huber，a = 1", quantile: "分位数 0.3", high: "分位数 0.9",
      guess: "猜测", outlier: "离群值", best: "最佳猜测", cost: "这个猜测的损失", lowest: "最小的损失",
    },
  },
  controls: {
    loss: { among: Object.keys(LOSSES), at: "mse" },
    outlier: { from: 0, to: 95, step: 5, at: 90, live: true },
    guess: { from: 0, to: 99.5, step: 0.5, at: 10, live: true },
  },
  // a net with weight 0 says nothing but its bias
  start: ({ hw, set }) => new Net(hw, { layers: [{ name: "dense", units: 1 }], loss: LOSSES[set.loss], inputs: 1 }),
  show(net, { loss, guess, outlier }, words) {
    const answers = [1, 2, 3, 4, outlier];
    const cost = (bias) => net.set({ weights: [[0]], bias: [bias] }).loss([0, 0, 0, 0, 0], answers);
    const costs = GUESSES.map(cost);
    const lowest = Math.min(...costs);
    const best = GUESSES[costs.indexOf(lowest)];
    const high = Math.max(...costs);
    return {
      pictures: [
        {
          title: words[loss],
          x: { from: 0, to: 100, name: words.guess },
          y: { from: 0, to: 1.1 * high, name: words.loss },
          lines: [{ points: GUESSES.map((at, i) => [at, costs[i]]) }],
          marks: [{ x: best, colour: colours.green, text: words.best }],
          dots: [
            ...answers.map((x) => ({ x, y: 0.02 * high, colour: colours.ink, size: 4, square: true })),
            { x: guess, y: cost(guess), colour: colours.orange, size: 6 },
          ],
        },
        {
          title: words.loss,
          items: answers.map((answer) => {
            const one = net.set({ weights: [[0]], bias: [guess] }).loss([0], [answer]);
            return { name: `y = ${answer}`, value: one, text: number(one, 2), colour: colours.orange };
          }),
        },
      ],
      numbers: { cost: number(cost(guess), 2), best: number(best, 1), lowest: number(lowest, 2) },
    };
  },
};
