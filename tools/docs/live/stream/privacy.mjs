// Chapter 23: somebody who looks at the losses guesses who was learned.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { Draws } from "../frame/draws.mjs";
import { count, percent } from "../frame/texts.mjs";

const [PATIENTS, MANY, INPUTS, BATCH] = [200, 1000, 20, 20];
const CLIP = 0.5;
const WAYS = { plain: null, clipped: 0, noisy: 4, loud: 16 }; // the noise, as σ
const [HIGH, BINS] = [2, 20]; // losses that are shown

export default {
  words: {
    en: {
      ask: "Play, and watch the attacker, who calls each row below the median loss “learned”. How long may the net learn before he is right in 60 %? What do clipping and noise change, and what do they cost?",
      solution: "Some thirty passes are enough: the more it learns by heart, the more it gives away, while fresh rows gain nothing. Clipping alone keeps him at about 55 %; with much noise he is left with a coin, and so is the doctor.",
      way: "steps", plain: "as usual", clipped: "clipped", noisy: "clipped, noise 4", loud: "clipped, noise 16",
      epochs: "passes", guessed: "attacker right", right: "right on fresh rows", learned: "learned rows", fresh: "fresh rows", loss: "loss of a row", share: "share of rows",
    },
    zh: {
      ask: "按播放，看那个攻击者：他把损失低于中位数的样本都叫作“学过的”。网络学多久，他就能猜对 60%？裁剪和噪声改变了什么，代价又是什么？",
      solution: "三十遍左右就够了：记得越熟，泄露得越多，而新样本上毫无长进。单是裁剪就把他压在 55% 左右；噪声很大时，他只剩一枚硬币，医生也一样。",
      way: "步子", plain: "照常", clipped: "裁剪", noisy: "裁剪，噪声 4", loud: "裁剪，噪声 16",
      epochs: "遍数", guessed: "攻击者猜对", right: "新样本上答对", learned: "学过的样本", fresh: "新样本", loss: "一个样本的损失", share: "样本比例",
    },
  },
  controls: { way: { among: Object.keys(WAYS), at: "plain" } },
  pace: { every: 60, steps: 1 },
  start({ hw, set: { way } }) {
    const layers = [{ name: "dense", units: 64, activation: "tanh" }, { name: "dense", units: 1 }];
    const optimizer = way === "plain" ? { name: "adam", lr: 0.01 } : { name: "sgd", lr: 0.5 };
    const net = new Net(hw, { layers, loss: "binary_cross_entropy", optimizer, inputs: INPUTS, seed: 1 });
    const draws = new Draws(3);
    const [learned, fresh, many] = [PATIENTS, PATIENTS, MANY].map((n) => patients(draws, n));
    return { net, learned, fresh, many, draws, epochs: 0, free: () => net.free() };
  },
  step(state, { way }) {
    const { net, learned: [X, y], draws } = state;
    const order = draws.order(PATIENTS);
    for (let at = 0; at < PATIENTS; at += BATCH) {
      const some = order.slice(at, at + BATCH);
      if (way === "plain") net.fit(some.map((i) => X[i]), some.map((i) => y[i]));
      else net.update(privateGradient(net, some.map((i) => [X[i], y[i]]), WAYS[way], draws));
    }
    state.epochs += 1;
    return state.epochs < 300;
  },
  show({ net, learned, fresh, many, epochs }, set, words) {
    const [known, unknown] = [learned, fresh].map((rows) => losses(net, rows));
    const right = share(net.forward(many[0]), (p, i) => p > 0.5 === (many[1][i] === 1));
    return {
      pictures: [
        {
          title: words.share,
          x: { from: 0, to: HIGH, name: words.loss },
          y: { from: 0, to: 1, name: "", text: (value) => percent(value) },
          lines: [
            { points: histogram(known), colour: colours.blue, name: words.learned },
            { points: histogram(unknown), colour: colours.orange, dashed: true, name: words.fresh },
          ],
        },
        {
          items: [
            { name: words.guessed, value: attack(known, unknown), text: percent(attack(known, unknown)), colour: colours.orange },
            { name: words.right, value: right, text: percent(right), colour: colours.blue },
          ],
          to: 1,
          said: words.guessed,
        },
      ],
      numbers: { epochs: count(epochs), guessed: percent(attack(known, unknown)), right: percent(right) },
    };
  },
};

function patients(draws, n) {
  const X = Array.from({ length: n }, () => Array.from({ length: INPUTS }, () => draws.normal()));
  return [X, X.map(([first]) => (first + draws.normal() > 0 ? 1 : 0))];
}

/** The mean of the rows' gradients, each no longer than CLIP, with noise of σ·CLIP. */
function privateGradient(net, rows, sigma, draws) {
  const total = net.gradients([rows[0][0]], [rows[0][1]]).fill(0);
  for (const [x, y] of rows) {
    const g = net.gradients([x], [y]);
    const scale = Math.min(1, CLIP / Math.hypot(...g));
    for (let i = 0; i < g.length; i++) total[i] += scale * g[i];
  }
  return total.map((sum) => (sum + (sigma ? sigma * CLIP * draws.normal() : 0)) / rows.length);
}

function losses(net, [X, y]) {
  return Array.from(net.forward(X), (p, i) => -Math.log(Math.max(1e-9, y[i] ? p : 1 - p)));
}

/** The share of right guesses of who calls every row below the median "learned". */
function attack(known, unknown) {
  const sorted = [...known, ...unknown].sort((a, b) => a - b);
  const median = (sorted[PATIENTS - 1] + sorted[PATIENTS]) / 2;
  return (share(known, (loss) => loss < median) + share(unknown, (loss) => loss >= median)) / 2;
}

function share(list, holds) {
  return list.reduce((sum, value, i) => sum + (holds(value, i) ? 1 : 0), 0) / list.length;
}

function histogram(list) {
  const bins = new Array(BINS).fill(0);
  for (const loss of list) bins[Math.min(BINS - 1, Math.floor((BINS * loss) / HIGH))] += 1 / list.length;
  return bins.map((size, i) => [((i + 0.5) * HIGH) / BINS, size]);
}
