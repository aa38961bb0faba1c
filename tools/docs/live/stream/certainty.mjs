// Chapter 14: a threshold that follows whether its sets hold the answer, while the model becomes worse half way.

import { colours } from "../frame/colours.mjs";
import { count, number, percent } from "../frame/texts.mjs";

const FRAME = 100; // rows a step
const WINDOW = 500;
const CHANGE = 5000; // the row from which the model is worse

export default {
  words: {
    en: {
      ask: "The sets are to hold the answer in 90 % of the rows. Play: what happens to the threshold at row 5,000, where the model becomes much worse, and to the share of sets that hold? Then let it move not at all, or much further at each row: what is lost?",
      solution: "The threshold falls from about 0.6 to 0.1, so sets become wider, and the share is back at 90 % within some hundred rows. A threshold that stays holds in 37 % from then on. One that moves far holds 90 % as well, but jumps about: many sets are far too wide, others far too narrow.",
      rate: "step size η", rows: "rows", all: "sets that held", last: `of the last ${WINDOW}`, threshold: "threshold τ", change: "change",
    },
    zh: {
      ask: "集合应当在 90% 的样本里包含答案。按播放：到第 5,000 个样本，模型变差许多，阈值怎样变，包含答案的比例又怎样变？再让它完全不动，或者每次移动得远得多：会失去什么？",
      solution: "阈值从 0.6 左右降到 0.1，集合随之变宽，几百个样本之内，比例就回到 90%。阈值不动，此后只有 37% 包含答案。移动得很远时，比例也是 90%，但阈值上下乱跳：许多集合太宽，另一些太窄。",
      rate: "步长 η", rows: "样本数", all: "包含答案的集合", last: `最近 ${WINDOW} 个`, threshold: "阈值 τ", change: "变化",
    },
  },
  rows: "sure",
  controls: { rate: { values: [0, 0.1, 0.6, 3], at: 0.6 } },
  pace: { every: 50, steps: 1 },
  start: ({ rows, set: { rate } }) => ({ rows, at: 0, odds: rate ? -Math.log(9) : Math.log(0.1 ** 0.2 / (1 - 0.1 ** 0.2)), held: [], curve: [] }),
  step(state, { rate }) {
    const { rows, held } = state;
    const to = Math.min(state.at + FRAME, rows.length);
    for (; state.at < to; state.at++) {
      const hit = rows[state.at] >= 1 / (1 + Math.exp(-state.odds));
      held.push(hit ? 1 : 0);
      state.odds -= rate * ((hit ? 0 : 1) - (1 - 0.9));
    }
    state.curve.push([state.at, shareOf(held.slice(-WINDOW)), 1 / (1 + Math.exp(-state.odds))]);
    return state.at < rows.length;
  },
  show({ at, rows, odds, held, curve }, set, words) {
    const axes = { x: { from: 0, to: rows.length, name: words.rows, ticks: [0, 2500, 5000, 7500, 10_000] }, y: { from: 0, to: 1, name: "" } };
    const change = { x: CHANGE, text: words.change };
    return {
      pictures: [
        { title: words.last, ...axes, y: { ...axes.y, text: (value) => percent(value) }, marks: [change, { y: 0.9 }], lines: [{ points: curve.map(([x, y]) => [x, y]) }] },
        { title: words.threshold, ...axes, marks: [change], lines: [{ points: curve.map(([x, , y]) => [x, y]), colour: colours.orange }] },
      ],
      numbers: { rows: count(at), all: percent(shareOf(held), 1), last: percent(shareOf(held.slice(-WINDOW)), 1), threshold: number(1 / (1 + Math.exp(-odds)), 2) },
    };
  },
};

function shareOf(held) {
  return held.reduce((sum, hit) => sum + hit, 0) / held.length;
}
