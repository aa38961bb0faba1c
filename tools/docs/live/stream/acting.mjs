// Chapter 26: the values of a corridor, learned step by step from walks.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { Draws } from "../frame/draws.mjs";
import { count, number } from "../frame/texts.mjs";

const PLACES = 5;
const ROOMS = Array.from({ length: PLACES }, (_, i) => Array.from({ length: PLACES }, (_, j) => (i === j ? 1 : 0)));
const [LEFT, OUT, MIDDLE] = [-1, PLACES, 2];

export default {
  words: {
    en: {
      ask: "Somebody steps left or right at random and gets 1 at the right end. Step with him: which value is learned first, and how does it travel to the left? What does a large rate do at the end?",
      solution: "First that of place 5, beside the reward; then each place learns from its neighbour's value, so knowledge walks one place to the left at a time. With a large rate the values tremble about the truth and never rest.",
      lr: "rate η", stride: "at once", one: "one step", walk: "one walk", hundred: "100 walks", walks: "walks", steps: "steps", last: "last step", title: "values V", place: "place", error: "off by at most",
      target: "target r + V(s′)",
    },
    zh: {
      ask: "有人随机向左或向右走，走到右端得 1。跟着他走：哪个价值最先学到？它怎样传到左边去？到最后，学习率大有什么影响？",
      solution: "最先是紧挨奖励的第 5 格；然后每一格从邻居的价值学习，所以知识一次向左走一格。学习率大，价值就在真值附近抖动，停不下来。",
      lr: "学习率 η", stride: "每次", one: "一步", walk: "一次行走", hundred: "100 次行走", walks: "行走次数", steps: "步数", last: "上一步", title: "价值 V", place: "格", error: "最多差",
      target: "目标 r + V(s′)",
    },
  },
  controls: {
    lr: { values: [0.005, 0.02, 0.1, 0.5], at: 0.1 },
    stride: { among: ["one", "walk", "hundred"], at: "one", live: true },
  },
  pace: { every: 250, steps: 1 },
  start({ hw, set: { lr } }) {
    const layers = [{ name: "dense", units: 1, bias: false, initializer: "zeros" }];
    const net = new Net(hw, { layers, loss: { name: "mse", a: 0.5 }, optimizer: { name: "sgd", lr }, inputs: PLACES });
    return { net, draws: new Draws(5), at: MIDDLE, walks: 0, steps: 0, last: null, free: () => net.free() };
  },
  step(state, { stride }) {
    const until = state.walks + { one: 0, walk: 1, hundred: 100 }[stride];
    do oneStep(state);
    while (state.walks < until);
    return state.walks < 5000;
  },
  show({ net, at, walks, steps, last }, set, words) {
    const values = Array.from(net.forward(ROOMS));
    const off = Math.max(...values.map((value, i) => Math.abs(value - (i + 1) / 6)));
    return {
      pictures: [
        {
          gap: 52,
          columns: [[{ text: "0", above: " ", colour: colours.pale }], ...values.map((value, i) => [{ text: number(value, 2), above: String(i + 1), strong: i === at }]), [{ text: "1", above: " ", colour: colours.green }]],
          said: values.map((value) => number(value, 2)).join(", "),
        },
        {
          title: words.title,
          x: { from: 0.5, to: 5.5, name: words.place, ticks: [1, 2, 3, 4, 5] },
          y: { from: 0, to: 1, name: "" },
          lines: [
            { points: [[0, 0], [6, 1]], colour: colours.pale, dashed: true },
            { points: values.map((value, i) => [i + 1, value]) },
          ],
          dots: values.map((value, i) => ({ x: i + 1, y: value, colour: i === at ? colours.orange : colours.blue, size: 5 })),
        },
      ],
      numbers: {
        walks: count(walks),
        steps: count(steps),
        ...(last ? { last: `${last.from + 1} → ${last.to + 1}`, target: number(last.target, 2) } : {}),
        error: number(off, 2),
      },
    };
  },
};

/** One step to the left or right, and the value of where it began learned from where it led. */
function oneStep(state) {
  const { net, draws, at } = state;
  const to = at + (draws.next() < 0.5 ? -1 : 1);
  const inside = to > LEFT && to < OUT;
  const target = inside ? net.forward([ROOMS[to]])[0] : Number(to === OUT);
  net.learn([ROOMS[at]], [target]);
  state.last = { from: at, to, target };
  state.at = inside ? to : MIDDLE;
  state.walks += inside ? 0 : 1;
  state.steps += 1;
}
