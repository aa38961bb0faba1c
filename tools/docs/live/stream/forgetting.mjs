// Chapter 27: one half of a curve is learned after the other; what happens to the first one, with rows that are kept and without.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { Draws } from "../frame/draws.mjs";
import { count, number } from "../frame/texts.mjs";

const [TURN, FRAME, TURNS] = [1000, 50, 8]; // rows of a half, rows a step, halves
const CURVE = Array.from({ length: 121 }, (_, i) => -3 + i / 20);
const HALVES = [-1, 1].map((side) => CURVE.filter((x) => x * side > 0));

export default {
  words: {
    en: {
      ask: "Every 1,000 rows come from the other half of the sine. Guess first: what does learning the right half cost the left one? Then cure it in two ways: a smaller rate, and kept rows that are learned again. Which one leaves the net quick?",
      solution: "The loss of the left half jumps up within the first rows of the right one, and is still 0.15 at the end of it. A rate of 0.01 forgets less, but after a thousand rows knows a half only a tenth as well. Ten kept rows of each half are enough: both losses stay low and the net stays quick, at twice the work.",
      lr: "rate η", kept: "kept rows", rows: "rows", left: "loss left", right: "loss right", title: "mean squared error", now: "learned now",
    },
    zh: {
      ask: "每 1,000 个样本换到正弦的另一半。先猜：学右半边要让左半边付出多少？再用两种办法治它：较小的学习率；保留一些样本，反复再学。哪一种不让网络变慢？",
      solution: "右半边的头几个样本就让左半边的损失猛升，到右半边结束时仍有 0.15。学习率 0.01 忘得少一些，但学过一千个样本之后，对一半的了解只有十分之一。每一半保留十个样本就够了：两个损失都很低，网络也不变慢，代价是双倍的计算。",
      lr: "学习率 η", kept: "保留的样本", rows: "样本数", left: "左半损失", right: "右半损失", title: "均方误差", now: "正在学",
    },
  },
  controls: {
    lr: { values: [0.01, 0.03, 0.1, 0.3], at: 0.1 },
    kept: { values: [0, 10, 50], at: 0 },
  },
  pace: { every: 50, steps: 1 },
  start({ hw, set: { lr } }) {
    const layers = [{ name: "dense", units: 32, activation: "tanh" }, { name: "dense", units: 1 }];
    const net = new Net(hw, { layers, optimizer: { name: "sgd", lr }, inputs: 1, seed: 1 });
    const state = { net, draws: new Draws(3), at: 0, kept: [[], []], curve: [], free: () => net.free() };
    measure(state);
    return state;
  },
  step(state, { kept }) {
    const { draws, net } = state;
    const half = sideOf(state.at);
    for (let i = 0; i < FRAME; i++) {
      const x = 3 * draws.next() * (half ? 1 : -1);
      net.learn([[x]], [[Math.sin(x)]]);
      if (state.kept[half].length < kept) state.kept[half].push(x);
      const old = state.kept[1 - half];
      if (!old.length) continue;
      const again = old[draws.below(old.length)];
      net.learn([[again]], [[Math.sin(again)]]);
    }
    state.at += FRAME;
    measure(state);
    return state.at < TURNS * TURN;
  },
  show({ net, at, curve }, set, words) {
    const said = net.forward(CURVE);
    const half = sideOf(Math.max(at - 1, 0));
    const line = (column) => curve.map((point) => [point[0], Math.min(point[column], 2)]);
    const [, left, right] = curve.at(-1);
    return {
      pictures: [
        {
          x: { from: -3, to: 3, name: "x" },
          y: { from: -2, to: 2, name: "y" },
          lines: [
            { points: CURVE.map((x) => [x, Math.sin(x)]), colour: colours.pale, dashed: true, width: 1.4 },
            { points: CURVE.map((x, i) => [x, said[i]]), colour: colours.blue },
            { points: [[half ? 0 : -3, -1.9], [half ? 3 : 0, -1.9]], colour: colours.orange, name: words.now },
          ],
          said: `${words.left} ${number(left)}, ${words.right} ${number(right)}`,
        },
        {
          title: words.title,
          x: { from: 0, to: TURNS * TURN, name: words.rows },
          y: { from: 0, to: 2, name: "" },
          lines: [
            { points: line(1), colour: colours.blue, name: words.left },
            { points: line(2), colour: colours.orange, dashed: true, name: words.right },
          ],
        },
      ],
      numbers: { rows: count(at), left: number(left), right: number(right) },
    };
  },
};

/** Which half the row of a number comes from: 0 the left, 1 the right one. */
const sideOf = (row) => Math.floor(row / TURN) % 2;

function measure({ net, at, curve }) {
  const losses = HALVES.map((xs) => {
    const said = net.forward(xs);
    return xs.reduce((sum, x, i) => sum + (said[i] - Math.sin(x)) ** 2, 0) / xs.length;
  });
  curve.push([at, ...losses]);
}
