// Chapter 20: a score that was measured on few rows, measured again and again.

import { colours } from "../frame/colours.mjs";
import { Draws } from "../frame/draws.mjs";
import { count, number, percent } from "../frame/texts.mjs";

const MOST = 40; // bars

export default {
  words: {
    en: {
      ask: "A net is right in 80 % of all cases, truly. Measure it on 50 rows, again and again: how low and how high does the score come out? How many rows make it lie within one point? And how often does a net that is truly 3 points worse win?",
      solution: "On 50 rows between about 69 % and 91 %. For one point it takes some 6,400 rows: ten times as sure costs a hundred times the rows. On 50 rows the worse net wins, or draws, in about four cases of ten.",
      truth: "truly right", n: "rows", stride: "measured at once", scores: "scores", low: "p − 2s", high: "p + 2s", outside: "outside", worse: "3 points worse wins or draws",
      title: "scores that came out",
    },
    zh: {
      ask: "一个网络真实的准确率是 80%。用 50 个样本测它，测了又测：得分最低多少，最高多少？要多少样本才能准到一个百分点？真实准确率低 3 个百分点的网络，有多少次反而赢？",
      solution: "用 50 个样本，大约在 69% 到 91% 之间。准到一个百分点要 6,400 个左右：十倍的把握要一百倍的样本。用 50 个样本，较差的网络十次里约有四次赢或打平。",
      truth: "真实准确率", n: "样本数", stride: "每次测几回", scores: "得分个数", low: "p − 2s", high: "p + 2s", outside: "在外面", worse: "低 3 个百分点的赢或平",
      title: "测出来的得分",
    },
  },
  controls: {
    truth: { from: 0.5, to: 0.99, step: 0.01, at: 0.8, text: (value) => percent(value) },
    n: { values: [20, 50, 200, 400, 1000, 10_000], at: 50 },
    stride: { values: [1, 10, 100], at: 10, live: true },
  },
  pace: { every: 60, steps: 1 },
  start: ({ set: { n } }) => ({ draws: new Draws(n), scores: [], worse: 0 }),
  step(state, { stride, truth, n }) {
    for (let i = 0; i < stride; i++) {
      const [a, b] = [truth, truth - 0.03].map((p) => measured(state.draws, p, n));
      state.scores.push(a);
      state.worse += b >= a;
    }
    return state.scores.length < 2000;
  },
  show({ scores, worse }, { truth, n }, words) {
    const s = Math.sqrt((truth * (1 - truth)) / n);
    const [low, high] = [truth - 2 * s, truth + 2 * s];
    const out = scores.filter((score) => score < low || score > high).length;
    const [from, to] = [Math.max(0, truth - 4 * s), Math.min(1, truth + 4 * s)];
    const wide = Math.max(1, Math.ceil((n * (to - from)) / MOST)) / n; // a bar holds as many scores that can come out as any other
    const first = Math.floor(from / wide + 1e-9);
    const bins = new Array(Math.ceil((to - from) / wide) + 1).fill(0);
    for (const score of scores) bins[Math.max(0, Math.min(bins.length - 1, Math.floor(score / wide + 1e-9) - first))] += 1;
    const at = (i) => (first + i) * wide + (wide - 1 / n) / 2;
    return {
      pictures: [
        {
          title: words.title,
          x: { from, to, name: "p", text: (value) => percent(value, s < 0.01 ? 1 : 0) },
          y: { from: 0, to: Math.max(5, ...bins), name: "" },
          lines: bins.map((size, i) => ({ points: [[at(i), 0], [at(i), size]], width: 6, colour: at(i) < low || at(i) > high ? colours.orange : colours.blue })),
          marks: [{ x: truth, dashed: false }, { x: low }, { x: high }],
          said: `${percent(low, 1)} … ${percent(high, 1)}`,
        },
      ],
      numbers: {
        scores: count(scores.length),
        s: number(100 * s, 1) + " %",
        low: percent(low, 1),
        high: percent(high, 1),
        outside: percent(out / scores.length),
        worse: percent(worse / scores.length),
      },
    };
  },
};

/** The share of right predictions in n rows, each right with probability p. */
function measured(draws, p, n) {
  let right = 0;
  for (let i = 0; i < n; i++) right += draws.next() < p;
  return right / n;
}
