// Chapter 3: an activation, its slope where the reader looks, and what is left of a push behind many layers of it.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { number } from "../frame/texts.mjs";

const NAMES = ["sigmoid", "tanh", "relu", "leaky_relu", "gelu", "silu"];
const NUDGE = 1e-5;
const CURVE = Array.from({ length: 161 }, (_, i) => -8 + 0.1 * i);

export default {
  words: {
    en: {
      ask: "Where does the sigmoid let most of a push through, and how much? How much is left behind ten such layers at best? Compare ReLU at z = 2 and at z = −2.",
      solution: "At z = 0, a quarter: behind ten layers at most 0.25¹⁰ ≈ 0.000001 of the push. ReLU lets all of it through where z is positive, however many layers there are, and nothing where it is negative.",
      activation: "activation", depth: "layers", left: "left of a push",
    },
    zh: {
      ask: "sigmoid 在哪里让推力通过得最多，通过多少？连过十层，最好的情况还剩多少？再比较 ReLU 在 z = 2 和 z = −2 处的情形。",
      solution: "在 z = 0 处，四分之一：过十层最多剩 0.25¹⁰ ≈ 0.000001。ReLU 在 z 为正时全部通过，不管有多少层；为负时什么也过不去。",
      activation: "激活函数", depth: "层数", left: "推力还剩",
    },
  },
  controls: {
    activation: { among: NAMES, at: "sigmoid" },
    z: { from: -8, to: 8, step: 0.5, at: -6, live: true },
    depth: { from: 1, to: 10, step: 1, at: 1, live: true },
  },
  start({ hw, set }) {
    const layers = [{ name: "dense", units: 1, bias: false }, { name: set.activation }];
    const net = new Net(hw, { layers, inputs: 1 }).set({ weights: [[1]] }); // so that z is what we put in
    const slopes = slope(net, CURVE);
    return { net, values: net.forward(CURVE), slopes, free: () => net.free() };
  },
  show({ net, values, slopes }, { activation, z, depth }) {
    const [value] = net.forward([z]);
    const [steep] = slope(net, [z]);
    return {
      pictures: [
        {
          title: activation,
          x: { from: -8, to: 8, name: "z" },
          y: { from: -1.5, to: 3, name: "f(z), f′(z)" },
          lines: [
            { points: CURVE.map((at, i) => [at, Math.min(values[i], 3)]), name: "f" },
            { points: CURVE.map((at, i) => [at, slopes[i]]), colour: colours.orange, dashed: true, name: "f′" },
          ],
          marks: [{ x: z, colour: colours.pale }],
          dots: [
            { x: z, y: Math.min(value, 3), size: 5, colour: colours.blue },
            { x: z, y: steep, size: 5, colour: colours.orange, square: true },
          ],
        },
        {
          title: "f′(z)ⁿ",
          items: Array.from({ length: depth }, (_, i) => ({ name: `n = ${i + 1}`, value: steep ** (i + 1), text: power(steep ** (i + 1)) })),
          from: Math.min(0, steep),
          to: 1.15,
        },
      ],
      numbers: { "f(z)": number(value), "f′(z)": number(steep), left: power(steep ** depth) },
    };
  },
};

/** The slope at each point, measured by nudging. */
function slope(net, points) {
  const [up, down] = [NUDGE, -NUDGE].map((nudge) => net.forward(points.map((z) => z + nudge)));
  return Array.from(points, (_, i) => (up[i] - down[i]) / (2 * NUDGE));
}

function power(x) {
  return x !== 0 && Math.abs(x) < 5e-4 ? x.toExponential(0).replaceAll("-", "−") : number(x);
}
