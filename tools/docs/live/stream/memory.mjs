// Chapter 13: a state that fades, and what of the bits before it still holds.

import { colours } from "../frame/colours.mjs";
import { Draws } from "../frame/draws.mjs";
import { count, number } from "../frame/texts.mjs";

const SHOWN = 12; // bits in the table
const LINE = 60; // rows of the curve

export default {
  words: {
    en: {
      ask: "Each row brings a bit, and the state takes it in: h ← λh + x. Let λ be 0.5, and look at what each bit still adds to h: how many rows back could you read? Which λ keeps half of a bit for ten rows? And what does λ = 1 remember?",
      solution: "With 0.5 each bit counts half as much as the next, so h is a number in binary, and whoever can read it to the fifth digit knows five rows. About 0.93 keeps half for ten rows, but then the bits lie on top of each other. With 1 nothing fades: h is the number of ones so far, and not a word of when they came. So a memory has many states, each with a λ of its own.",
      rows: "rows", h: "state h", left: "left after ten rows", half: "rows until half is left", ago: "rows ago", bit: "bit", adds: "adds to h",
    },
    zh: {
      ask: "每个样本带来一个 0 或 1，状态把它吸收进来：h ← λh + x。把 λ 调到 0.5，看看每一位现在还给 h 加上多少：你能往回读出几位？哪个 λ 能让一位在十个样本之后还剩一半？λ = 1 又记住了什么？",
      solution: "λ = 0.5 时，每一位的分量是后一位的一半，所以 h 就像一个二进制数，能读到第五位，就知道前五个样本。大约 0.93 能在十个样本之后保留一半，但这时各位叠在一起，分不清了。λ = 1 时什么也不衰减：h 是至今 1 的个数，却完全不知道它们是什么时候来的。所以记忆要有许多状态，每个有自己的 λ。",
      rows: "样本数", h: "状态 h", left: "十个样本之后剩下", half: "剩一半时的样本数", ago: "多少个之前", bit: "位", adds: "给 h 加上",
    },
  },
  controls: { "λ": { values: [0.5, 0.8, 0.9, 0.97, 1], at: 0.9 } },
  pace: { every: 250, steps: 1 },
  start: () => ({ draws: new Draws(3), bits: [], h: 0, curve: [[0, 0]] }),
  step(state, { "λ": fade }) {
    const bit = state.draws.below(2);
    state.bits.unshift(bit);
    state.h = fade * state.h + bit;
    state.curve.push([state.bits.length, state.h]);
    return state.bits.length < 1000;
  },
  show({ bits, h, curve }, { "λ": fade }, words) {
    const last = curve.slice(-LINE);
    return {
      pictures: [
        {
          head: [words.ago, words.bit, words.adds],
          rows: bits.slice(0, SHOWN).map((bit, i) => [String(i), String(bit), number(bit * fade ** i, 3)]),
          said: `${words.h}: ${number(h, 2)}`,
        },
        {
          title: words.h,
          x: { from: last[0][0], to: Math.max(LINE, last.at(-1)[0]), name: words.rows },
          y: { from: 0, to: Math.max(2, ...last.map((point) => point[1])), name: "h" },
          lines: [{ points: last }],
          dots: [{ x: last.at(-1)[0], y: h, colour: colours.orange, size: 5 }],
        },
      ],
      numbers: { rows: count(bits.length), h: number(h, 2), left: number(fade ** 10, 2), half: number(Math.log(0.5) / Math.log(fade), 1) },
    };
  },
};
