// Chapter 10: the same thousand rows, learned all at once, in parts, one by one, or online.

import { Net, matrix, part } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { Draws } from "../frame/draws.mjs";
import { count, number } from "../frame/texts.mjs";

const WAYS = { batch: Infinity, mini: 50, stochastic: 1, online: 1 };
const COLOURS = { batch: colours.blue, mini: colours.orange, stochastic: colours.green, online: colours.violet };
const FRAME = 50; // rows a frame

export default {
  words: {
    en: {
      ask: "Which way has the lowest loss after 5,000 rows, and which after 1,000? Then take the rate 0.2: which way stands it, and which doesn't?",
      solution: "Stochastic is far ahead after 5,000 rows; online stops at 1,000, since each row comes once. Batches point in a better direction, so their steps may be ten times as long; single rows pull too hard, and stochastic descent runs away. Online learning survives here since headwater takes back a step after which its own row costs far more.",
      way: "way", batch: "batch: all rows", mini: "mini-batch: 50", stochastic: "stochastic: 1", online: "online: 1, once",
      lr: "rate η", rows: "rows seen", steps: "steps", loss: "loss", honest: "while learning",
    },
    zh: {
      ask: "看过 5,000 个样本后哪种方式损失最低？看过 1,000 个时呢？再把学习率调到 0.2：哪种方式受得了，哪种受不了？",
      solution: "5,000 个样本后随机梯度下降遥遥领先；在线学习到 1,000 就停了，因为每个样本只来一次。一批样本指的方向更准，步子可以大十倍；单个样本的梯度起伏太大，随机梯度下降就会失控。在线学习在这里能撑住，因为走错一步、让同一个样本的损失猛增时，headwater 会把这一步收回。",
      way: "方式", batch: "批量：全部样本", mini: "小批量：50", stochastic: "随机：1", online: "在线：1，只一遍",
      lr: "学习率 η", rows: "看过的样本", steps: "步数", loss: "损失", honest: "学习途中",
    },
  },
  rows: "batch",
  controls: {
    way: { among: Object.keys(WAYS), at: "batch" },
    lr: { values: [0.002, 0.02, 0.2], at: 0.02 },
  },
  pace: { every: 40, steps: 2 },
  start({ hw, rows, set: { way, lr }, before }) {
    const layers = [{ name: "dense", units: 32, activation: "tanh" }, { name: "dense", units: 1 }];
    const net = new Net(hw, { layers, loss: "mse", optimizer: { name: "sgd", lr }, inputs: 4, seed: 1 });
    const [X, y] = before ? [before.X, before.y] : [matrix(rows.X), matrix(rows.y)];
    const kept = before ? [...before.kept, { way: before.way, curve: before.curve }].filter((one) => one.way !== way && one.curve.length > 1) : [];
    const draws = new Draws(1);
    return { net, X, y, way, kept, draws, order: [], seen: 0, steps: 0, squares: 0, curve: [[0, net.loss(X, y)]], free: () => net.free() };
  },
  step(state, { way }) {
    const { net, X, y, curve } = state;
    if (way === "online") learnOnline(state);
    else descend(state, Math.min(X.shape[0], WAYS[way]));
    const loss = net.loss(X, y);
    curve.push([state.seen, loss]);
    return Number.isFinite(loss) && loss < 1e6 && state.seen < (way === "online" ? 1000 : 10_000);
  },
  show({ seen, steps, squares, curve, way, kept }, set, words) {
    const line = ({ way: own, curve: points }, more = {}) => ({ points, colour: COLOURS[own], name: words[own], width: 1.4, ...more });
    const to = Math.max(5000, ...[...kept, { curve }].map((one) => one.curve.at(-1)[0]));
    return {
      pictures: [
        {
          title: words.loss,
          x: { from: 0, to, name: words.rows },
          y: { from: 0, to: 2, name: "" },
          lines: [...kept.map((one) => line(one)), line({ way, curve }, { width: 2.6 })],
          dots: [{ x: seen, y: Math.min(curve.at(-1)[1], 2), colour: COLOURS[way], size: 5 }],
        },
      ],
      numbers: {
        rows: count(seen),
        steps: count(steps),
        loss: number(curve.at(-1)[1], 2),
        ...(way === "online" && seen ? { honest: number(squares / seen, 2) } : {}),
      },
    };
  },
};

/** Predict and learn the next rows, one by one. */
function learnOnline(state) {
  const { net, X, y, seen } = state;
  const to = Math.min(seen + FRAME, X.shape[0]);
  const said = net.learn(part(X, seen, to), part(y, seen, to));
  said.forEach((p, i) => (state.squares += (p - y.data[seen + i]) ** 2));
  state.steps += to - seen;
  state.seen = to;
}

/** Take a step for each so many rows; a pass that is not over all rows at once draws its own order. */
function descend(state, size) {
  const { net, X, y, draws } = state;
  const n = X.shape[0];
  if (size === n) {
    net.fit(X, y);
    state.seen += n;
    state.steps += 1;
    return;
  }
  if (!state.order.length) state.order = draws.order(n);
  const some = state.order.splice(0, FRAME);
  net.fit(picked(X, some), picked(y, some), 1, size);
  state.seen += some.length;
  state.steps += some.length / size;
}

function picked({ data, shape: [, width] }, rows) {
  const out = new Float64Array(rows.length * width);
  rows.forEach((i, at) => out.set(data.subarray(i * width, (i + 1) * width), at * width));
  return { data: out, shape: [rows.length, width] };
}
