// Chapter 6: the numbers that flow through the small net, layer by layer.

import { colours } from "../frame/colours.mjs";
import { number } from "../frame/texts.mjs";
import { SMALL, small } from "../frame/small.mjs";

const STAGES = ["inputs", "sums", "bent", "output"];

export default {
  words: {
    en: {
      ask: "Walk through with “Step”. Then make the inputs 10, 100, 1000 times as large: why does p stop changing?",
      solution: "z₁ grows without bound, but tanh ends at 1. z₂ is 0.5 for all multiples of (1, 2), so p stops at 2·1 − 0.4621 + 0.5 = 2.0379.",
      times: "times", stage: "now",
      inputs: "1. the inputs", sums: "2. the sums z", bent: "3. bent: h = tanh(z)", output: "4. the last sum: p",
    },
    zh: {
      ask: "按“走一步”走完全程。然后把输入放大 10 倍、100 倍、1000 倍：为什么 p 不再变化？",
      solution: "z₁ 无限增大，而 tanh 到 1 就为止。对 (1, 2) 的倍数，z₂ 始终是 0.5，所以 p 停在 2·1 − 0.4621 + 0.5 = 2.0379。",
      times: "倍数", stage: "现在",
      inputs: "1. 输入", sums: "2. 加权和 z", bent: "3. 经过激活函数：h = tanh(z)", output: "4. 最后的和：p",
    },
  },
  controls: {
    "x₁": { from: -3, to: 3, step: 0.5, at: 1, live: true },
    "x₂": { from: -3, to: 3, step: 0.5, at: 2, live: true },
    times: { values: [1, 10, 100, 1000], at: 1, live: true },
  },
  pace: { every: 1200, steps: 1 },
  start: ({ hw }) => ({ ...small(hw), stage: 0 }),
  step(state) {
    state.stage = (state.stage + 1) % STAGES.length;
    return state.stage < STAGES.length - 1;
  },
  show({ net, hidden, stage }, set, words) {
    const x = [set["x₁"] * set.times, set["x₂"] * set.times];
    const [{ weights, bias }, last] = SMALL;
    const z = bias.map((b, j) => x[0] * weights[0][j] + x[1] * weights[1][j] + b);
    const h = hidden.forward([x]);
    const [p] = net.forward([x]);
    const seen = (from, text) => (stage >= from ? text : "");
    const digits = set.times > 1 ? 0 : 1;
    return {
      pictures: [
        {
          columns: [
            x.map((value, i) => ({ text: number(value, digits), above: `x${"₁₂"[i]}`, strong: stage === 0 })),
            z.map((value, j) => ({
              text: seen(1, number(stage === 1 ? value : h[j], stage === 1 ? 2 : 3)),
              above: stage < 2 ? `z${"₁₂"[j]}` : `h${"₁₂"[j]} = tanh(${number(value, 2)})`,
              below: `b = ${number(bias[j], 1)}`,
              strong: stage === 1 || stage === 2,
            })),
            [{ text: seen(3, number(p, 3)), above: "p", below: "b = 0.5", colour: colours.orange, strong: stage === 3 }],
          ],
          arrows: [
            ...[0, 1].flatMap((i) => [0, 1].map((j) => ({ from: [0, i], to: [1, j], text: number(weights[i][j], 2), at: i === j ? 0.5 : 0.3, strong: stage === 1, weight: weights[i][j] }))),
            ...[0, 1].map((j) => ({ from: [1, j], to: [2, 0], text: number(last.weights[j][0], 0), strong: stage === 3, weight: last.weights[j][0] })),
          ],
          said: words[STAGES[stage]],
        },
        {
          head: ["", ""],
          rows: [
            ...[0, 1].map((j) => [`z${"₁₂"[j]}`, `${number(weights[0][j], 2)} · ${number(x[0], digits)} + ${number(weights[1][j], 2)} · ${number(x[1], digits)} + ${number(bias[j], 1)} = ${seen(1, number(z[j], 2)) || "?"}`]),
            ...[0, 1].map((j) => [`h${"₁₂"[j]}`, `tanh(${seen(1, number(z[j], 2)) || "?"}) = ${seen(2, number(h[j], 4)) || "?"}`]),
            ["p", `2 · ${seen(2, number(h[0], 4)) || "?"} − 1 · ${seen(2, number(h[1], 4)) || "?"} + 0.5 = ${seen(3, number(p, 4)) || "?"}`],
          ],
          strong: [-1, 1, 3, 4][stage],
        },
      ],
      numbers: { stage: words[STAGES[stage]], ...(stage === 3 ? { p: number(p, 4) } : {}) },
    };
  },
};
