// Chapter 7: the loss over two weights; a press on it sets where the way down begins.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { number } from "../frame/texts.mjs";

const RANGES = { valley: [-4, 6], hollows: [-6, 6] };
const HOLLOW = [{ weights: [[3, 3]], bias: [1, -1] }, { weights: [[1], [-1]], bias: [-0.4] }];

export default {
  words: {
    en: {
      ask: "Press somewhere on the surface and play. In the valley: where does the way down end without a penalty, and where with one? On the other surface: can you find a start from which the net gets stuck?",
      solution: "Without a penalty it ends near where it entered the valley, with a little of l2 always near (1, 1). On the surface with hollows there are two lowest points. From half-way between them, such as (3, −3), it reaches neither: it ends on the ridge, with a loss of 1.44.",
      surface: "surface", valley: "a valley", hollows: "with hollows", l2: "penalty l2",
      first: "start w₁", second: "start w₂", steps: "steps", loss: "loss",
    },
    zh: {
      ask: "在曲面上点一下，再按播放。在“山谷”上：没有惩罚项时下坡的路停在哪里？有惩罚项时呢？换到另一个曲面：能找到一个让网络卡住的起点吗？",
      solution: "没有惩罚项，它停在走进山谷的地方附近；加一点 l2，总是走到 (1, 1) 附近。有洼地的曲面有两个最低点。从两者正中间出发，例如 (3, −3)，哪一个也到不了：它停在分水岭上，损失是 1.44。",
      surface: "曲面", valley: "山谷", hollows: "有洼地", l2: "惩罚 l2",
      first: "起点 w₁", second: "起点 w₂", steps: "步数", loss: "损失",
    },
  },
  rows: "valley",
  controls: {
    surface: { among: ["valley", "hollows"], at: "valley" },
    l2: { values: [0, 0.01, 0.03, 0.1, 0.3], at: 0 },
    first: { from: -6, to: 6, step: 0.1, at: 5 },
    second: { from: -6, to: 6, step: 0.1, at: -3 },
  },
  pace: { every: 30, steps: 2 },
  start({ hw, rows, set }) {
    const made = { valley, hollows }[set.surface](hw, rows, set);
    const { net } = made;
    place(net, [set.first, set.second]);
    return { ...made, path: [[set.first, set.second]], steps: 0, free: () => net.free() };
  },
  step(state, set) {
    const { net, x, y, path, only } = state;
    net.update(net.gradients(x, y));
    const [{ weights }] = net.layers;
    const at = weights.flat();
    if (only) net.set({ weights, bias: HOLLOW[0].bias }, HOLLOW[1]);
    state.steps += 1;
    path.push(at);
    if (path.length > 400) path.splice(1, 1);
    return state.steps < 500;
  },
  show({ net, x, y, path, steps, surface }, set) {
    const [from, to] = RANGES[set.surface];
    const [w1, w2] = path.at(-1);
    return {
      pictures: [
        {
          key: `${set.surface} ${set.l2}`,
          title: "J(w₁, w₂)",
          x: { from, to, name: "w₁" },
          y: { from, to, name: "w₂" },
          shade: (grid) => surface(grid),
          lines: [{ points: path, colour: colours.ink, width: 1.6 }],
          dots: [
            { x: path[0][0], y: path[0][1], size: 5, hollow: true },
            { x: w1, y: w2, size: 6, colour: colours.ink },
          ],
        },
      ],
      numbers: { steps: String(steps), loss: number(net.loss(x, y), 2), "w₁": number(w1, 2), "w₂": number(w2, 2) },
    };
  },
  pick: ([a, b]) => ({ first: Math.round(10 * a) / 10, second: Math.round(10 * b) / 10 }),
};

/** One neuron with two inputs that say nearly the same. */
function valley(hw, { X, y }, { l2 }) {
  const answers = y.map((value) => [value]);
  const net = new Net(hw, { layers: [{ name: "dense", units: 1 }], inputs: 2, l2, optimizer: { name: "sgd", lr: 0.1 }, seed: 0 });
  const look = new Net(hw, { layers: [{ name: "dense", units: 1 }], inputs: 2, l2 });
  return { net, x: X, y: answers, only: false, surface: (grid) => heights(grid, look, X, answers, place) };
}

/** Two tanh neurons, of which only the weights of the input move. */
function hollows(hw, rows, { l2 }) {
  const layers = [{ name: "dense", units: 2, activation: "tanh" }, { name: "dense", units: 1 }];
  const made = () => new Net(hw, { layers, inputs: 1, l2, optimizer: { name: "sgd", lr: 0.3 } }).set(...HOLLOW);
  const [net, look] = [made(), made()];
  const x = Array.from({ length: 21 }, (_, i) => [-2 + 0.2 * i]);
  const y = Array.from(net.forward(x), (value) => [value]);
  return { net, x, y, only: true, surface: (grid) => heights(grid, look, x, y, place) };
}

/** Set the two weights of the first layer. */
function place(net, weights) {
  const rows = net.layers[0].weights.length;
  net.set({ weights: rows === 1 ? [weights] : weights.map((w) => [w]) });
}

/** The loss at each point, its logarithm brought to −1 … 1. */
function heights(grid, net, x, y, put) {
  const logs = grid.map((point) => {
    put(net, point);
    return Math.log10(net.loss(x, y) + 1e-3);
  });
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  return logs.map((value) => (2 * (value - low)) / (high - low) - 1);
}
