// Chapter 17: a ring that a line can't be, and how many hidden units close it.

import { colours } from "../frame/colours.mjs";
import { count, percent } from "../frame/texts.mjs";

const FRAME = 50; // rows a step
const WINDOW = 1000;
const DOTS = 150; // of the last rows

export default {
  words: {
    en: {
      ask: "How many hidden units does it take to close the ring? And can a net without any hidden unit do it, if it is given a² and b² as well?",
      solution: "Three: each unit adds a line, and three lines fence a triangle around the centre. With a² and b² none is needed, for a circle is a straight line in the squares.",
      hidden: "hidden units", features: "inputs", plain: "a, b", squares: "a, b, a², b²", rows: "rows", right: `right of the last ${WINDOW}`,
    },
    zh: {
      ask: "要几个隐藏单元才能把环围起来？没有隐藏单元的网络，如果再给它 a² 和 b²，能做到吗？",
      solution: "三个：每个单元加一条直线，三条直线就在中心周围围出一个三角形。有了 a² 和 b²，一个也不需要，因为圆在平方的坐标里就是一条直线。",
      hidden: "隐藏单元", features: "输入", plain: "a, b", squares: "a, b, a², b²", rows: "样本数", right: `最近 ${WINDOW} 个答对`,
    },
  },
  rows: "ring",
  controls: {
    hidden: { values: [0, 1, 2, 3, 8, 32], at: 0 },
    features: { among: ["plain", "squares"], at: "plain" },
  },
  pace: { every: 40, steps: 1 },
  start({ hw, rows, set: { hidden } }) {
    const model = new hw.Classifier({ hidden: hidden ? [hidden] : [], seed: 1, dtype: "float64" });
    return { model, rows, at: 0, hits: [], free: () => model.free() };
  },
  step(state, { features }) {
    const { model, rows, at, hits } = state;
    const some = rows.slice(at, at + FRAME);
    const said = model.learnMany(some.map(([a, b]) => sample(features, a, b)), some.map(([, , y]) => y));
    said.forEach((label, i) => hits.push(label === some[i][2] ? 1 : 0));
    state.at += some.length;
    return state.at < rows.length;
  },
  show({ model, rows, at, hits }, { features, hidden }, words) {
    const last = hits.slice(-WINDOW);
    const share = last.reduce((sum, hit) => sum + hit, 0) / last.length;
    return {
      pictures: [
        {
          key: `${at} ${features} ${hidden}`,
          x: { from: -3, to: 3, name: "a" },
          y: { from: -3, to: 3, name: "b" },
          shade: (grid) => shade(model, grid, features),
          dots: rows.slice(Math.max(0, at - DOTS), at || DOTS).map(([x, y, label]) => ({
            ...{ x, y, size: 2.5, square: label !== "in", colour: label === "in" ? colours.blue : colours.orange },
          })),
          said: percent(share, 1),
        },
      ],
      numbers: { rows: count(at), right: percent(share, 1) },
    };
  },
};

function sample(features, a, b) {
  return features === "plain" ? { a, b } : { a, b, "a²": a ** 2, "b²": b ** 2 };
}

/** The probability of "in" at each point, as −1 … 1. */
function shade(model, grid, features) {
  const classes = model.classes ?? [];
  if (classes.length < 2) return grid.map(() => 0);
  const { data, shape } = model.predictProbaMany(grid.map(([a, b]) => sample(features, a, b)));
  const column = classes.indexOf("in");
  return grid.map((_, i) => 2 * data[i * shape[1] + column] - 1);
}
