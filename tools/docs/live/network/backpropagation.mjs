// Chapter 8: forward and back through the small net, one press a stage, with all its numbers.

import { colours } from "../frame/colours.mjs";
import { number } from "../frame/texts.mjs";
import { SMALL, small } from "../frame/small.mjs";

const STAGES = ["input", "hidden", "output", "loss", "delta2", "gradient2", "delta1", "gradient1"];

export default {
  words: {
    en: {
      ask: "Press “Step” to walk forward and back. Then set y to what the net says: what becomes of all gradients? And set the first hidden bias to 10: which gradients all but vanish?",
      solution: "With y = p every delta is made from δ₂ = 0, so all gradients are 0. With the bias 10 tanh is saturated: its slope is nearly 0, so δ of that unit is too, and with it the gradients of its two weights and its bias.",
      b: "first hidden bias", stage: "now",
      input: "1. the inputs", hidden: "2. forward: z, and h = tanh(z)", output: "3. forward: p = h·W₂ + b₂", loss: "4. the loss: (p − y)²",
      delta2: "5. back: δ₂ = 2(p − y)", gradient2: "6. gradients of the last weights: h·δ₂", delta1: "7. back: δ₁ = W₂δ₂·(1 − h²)", gradient1: "8. gradients of the first weights: x·δ₁",
    },
    zh: {
      ask: "按“走一步”，先向前再往回走。然后把 y 调到网络给出的值：所有梯度会变成什么？再把第一个隐藏偏置调到 10：哪些梯度几乎消失了？",
      solution: "y = p 时，所有 δ 都由 δ₂ = 0 得来，因此梯度全为 0。偏置为 10 时 tanh 已饱和，斜率几乎为 0，这个单元的 δ 也就几乎为 0，它的两个权重和偏置的梯度随之消失。",
      b: "第一个隐藏偏置", stage: "现在",
      input: "1. 输入", hidden: "2. 向前：z，以及 h = tanh(z)", output: "3. 向前：p = h·W₂ + b₂", loss: "4. 损失：(p − y)²",
      delta2: "5. 往回：δ₂ = 2(p − y)", gradient2: "6. 最后一层权重的梯度：h·δ₂", delta1: "7. 往回：δ₁ = W₂δ₂·(1 − h²)", gradient1: "8. 第一层权重的梯度：x·δ₁",
    },
  },
  controls: {
    "x₁": { from: -3, to: 3, step: 0.5, at: 1, live: true },
    "x₂": { from: -3, to: 3, step: 0.5, at: 2, live: true },
    y: { from: -2, to: 3, step: 0.01, at: 1, live: true },
    b: { from: 0, to: 10, step: 0.5, at: 0, live: true },
  },
  pace: { every: 1200, steps: 1 },
  start: ({ hw }) => ({ ...small(hw), stage: 0 }),
  step(state) {
    state.stage = (state.stage + 1) % STAGES.length;
    return state.stage < STAGES.length - 1;
  },
  show(state, set, words) {
    const { net, hidden, stage } = state;
    const bias = [set.b, SMALL[0].bias[1]];
    net.set({ ...SMALL[0], bias }, SMALL[1]);
    hidden.set({ ...SMALL[0], bias });
    const x = [[set["x₁"], set["x₂"]]];
    const h = hidden.forward(x);
    const [p] = net.forward(x);
    const loss = net.loss(x, [[set.y]]);
    const [first, last] = net.layerGradients(x, [[set.y]]);
    const seen = { x: x[0], h, p, loss, y: set.y, bias, first, last, stage };
    return {
      pictures: [drawing(seen), ...(stage >= 5 ? [gradients(seen)] : [])],
      numbers: {
        stage: words[STAGES[stage]],
        ...(stage >= 2 ? { p: number(p, 4) } : {}),
        ...(stage >= 3 ? { L: number(loss, 4) } : {}),
        ...(stage >= 4 ? { "δ₂": number(last.bias[0], 4) } : {}),
        ...(stage >= 6 ? { "δ₁": `(${first.bias.map((d) => number(d, 4)).join(", ")})` } : {}),
      },
    };
  },
};

/** The net: what flows forward, and from stage 4 on the deltas that flow back. */
function drawing({ x, h, p, y, bias, first, last, stage }) {
  const shown = (from, text) => (stage >= from ? text : "");
  const units = [0, 1];
  const forward = (from) => (stage === from ? { strong: true } : {});
  const back = (from) => (stage === from ? { strong: true, back: true, colour: colours.orange } : {});
  return {
    columns: [
      units.map((i) => ({ text: number(x[i], 1), above: `x${"₁₂"[i]}`, colour: stage === 0 ? colours.blue : colours.pale })),
      units.map((j) => ({
        text: shown(1, number(h[j], 3)),
        above: `h${"₁₂"[j]}`,
        below: shown(6, `δ = ${number(first.bias[j], 4)}`) || `b = ${number(bias[j], 1)}`,
        strong: stage === 1 || stage === 6,
        colour: stage >= 6 ? colours.orange : colours.blue,
      })),
      [{ text: shown(2, number(p, 3)), above: "p", below: shown(4, `δ = ${number(last.bias[0], 4)}`) || `y = ${number(y, 2)}`, strong: stage === 2 || stage === 4, colour: stage >= 4 ? colours.orange : colours.blue }],
    ],
    arrows: [
      ...units.flatMap((i) =>
        units.map((j) => ({
          ...{ from: [0, i], to: [1, j], at: i === j ? 0.5 : 0.3, text: number(SMALL[0].weights[i][j], 2) },
          ...forward(1),
          ...back(7),
        })),
      ),
      ...units.map((j) => ({ from: [1, j], to: [2, 0], text: number(SMALL[1].weights[j][0], 0), ...forward(2), ...back(5), ...back(6) })),
    ],
    said: `x = (${x.join(", ")}), p = ${shown(2, number(p, 4))}`,
  };
}

/** The gradients, as far as they are known. */
function gradients({ first, last, stage }) {
  const rows = [["W₂", ...last.weights.map(([g]) => number(g, 4)), number(last.bias[0], 4)]];
  if (stage >= 7) {
    rows.push(["W₁, x₁", ...first.weights[0].map((g) => number(g, 4)), ""]);
    rows.push(["W₁, x₂", ...first.weights[1].map((g) => number(g, 4)), ""]);
    rows.push(["b₁", ...first.bias.map((g) => number(g, 4)), ""]);
  }
  return { head: ["∂L/∂…", "h₁", "h₂", "b"], rows, strong: stage >= 7 ? 1 : 0 };
}
