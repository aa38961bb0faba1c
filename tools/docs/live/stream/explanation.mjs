// Chapter 21: integrated gradients, walked from the baseline to the flat.

import { Net } from "../frame/core.mjs";
import { colours } from "../frame/colours.mjs";
import { Draws } from "../frame/draws.mjs";
import { number } from "../frame/texts.mjs";

const [ROWS, POINTS, NUDGE] = [4000, 100, 1e-4];
const [AREA, RENT] = [{ mean: 70, deviation: 29 }, { mean: 990, deviation: 380 }]; // units in which the net counts

export default {
  words: {
    en: {
      ask: "Walk from the baseline to the flat with α. Do the contributions add up at the end? Then move the baseline to 100 m²: what becomes of the area's contribution, and is the flat cheaper now?",
      solution: "At α = 1 they add up to the prediction less that of the baseline, with nothing left over. From another baseline come other contributions, for the same flat and the same rent: an explanation answers “compared with what?”.",
      area: "area, m²", city: "city", door: "number on the door", from: "baseline area", alpha: "α", Rome: "Rome", Oslo: "Oslo",
      rent: "prediction", baseline: "baseline", sum: "contributions", rest: "left over", way: "F along the way",
    },
    zh: {
      ask: "用 α 从基线走到这套房子。到终点时，各项贡献加起来对得上吗？再把基线挪到 100 平方米：面积的贡献变成什么了？房租便宜了吗？",
      solution: "α = 1 时，它们加起来正好是预测减去基线的预测，一点不剩。换一个基线，贡献就不同，而房子和房租还是那个：解释回答的是“和什么相比”。",
      area: "面积 m²", city: "城市", door: "门牌", from: "基线面积", alpha: "α", Rome: "罗马", Oslo: "奥斯陆",
      rent: "预测", baseline: "基线", sum: "贡献之和", rest: "剩余", way: "沿途的 F",
    },
  },
  controls: {
    area: { from: 20, to: 120, step: 5, at: 100, live: true },
    city: { among: ["Rome", "Oslo"], at: "Oslo", live: true },
    door: { from: -2, to: 2, step: 0.1, at: 0.1, live: true },
    from: { from: 20, to: 120, step: 5, at: 70, live: true },
    alpha: { from: 0, to: 1, step: 0.05, at: 1, live: true },
  },
  start({ hw }) {
    const layers = [{ name: "dense", units: 32, activation: "tanh" }, { name: "dense", units: 1 }];
    const net = new Net(hw, { layers, optimizer: { name: "adam", lr: 0.003 }, inputs: 3, seed: 1 });
    const [draws, X, y] = [new Draws(0), [], []];
    for (let i = 0; i < ROWS; i++) {
      const [area, oslo] = [20 + 100 * draws.next(), draws.below(2)];
      X.push(entry(area, oslo, draws.normal()));
      y.push((12 * area + 300 * oslo + 20 * draws.normal() - RENT.mean) / RENT.deviation);
    }
    net.learn(X, y);
    return net;
  },
  show(net, { area, city, door, from, alpha }, words) {
    const start = entry(from, 0.5, 0);
    const end = entry(area, city === "Oslo" ? 1 : 0, door);
    const along = (share) => start.map((value, i) => value + share * (end[i] - value));
    const parts = contributions(net, start, end, alpha);
    const way = rents(net, Array.from({ length: 41 }, (_, i) => along(i / 40)));
    const [baseline, here, rent] = rents(net, [start, along(alpha), end]);
    const sum = parts.reduce((total, part) => total + part, 0);
    const most = Math.max(400, ...parts.map(Math.abs));
    return {
      pictures: [
        {
          title: words.way,
          x: { from: 0, to: 1, name: "α" },
          y: { from: 0, to: 2000, name: "F" },
          lines: [{ points: way.map((value, i) => [i / 40, value]) }],
          dots: [{ x: 0, y: baseline, hollow: true, size: 5, colour: colours.pale }, { x: alpha, y: here, size: 6, colour: colours.orange }],
        },
        {
          title: words.sum,
          items: ["area", "city", "door"].map((name, i) => ({ name: words[name], value: parts[i], text: signed(parts[i]) })),
          from: parts.some((part) => part < -5) ? -most : 0,
          to: most,
        },
      ],
      numbers: { rent: number(rent, 1), baseline: number(baseline, 1), sum: number(sum, 1), rest: number(here - baseline - sum, 1) },
    };
  },
};

function entry(area, oslo, door) {
  return [(area - AREA.mean) / AREA.deviation, 2 * oslo - 1, door];
}

function rents(net, rows) {
  return Array.from(net.forward(rows), (value) => RENT.mean + RENT.deviation * value);
}

/** The slope by each input, added up on the way as far as a share of it (the middles of a hundred pieces). */
function contributions(net, start, end, share) {
  const middles = Array.from({ length: POINTS }, (_, k) => start.map((value, i) => value + (share * (k + 0.5) * (end[i] - value)) / POINTS));
  return start.map((value, i) => {
    const [up, down] = [NUDGE, -NUDGE].map((nudge) => rents(net, middles.map((row) => row.map((x, j) => (j === i ? x + nudge : x)))));
    const slopes = up.map((rent, k) => (rent - down[k]) / (2 * NUDGE));
    return (share * (end[i] - value) * slopes.reduce((sum, slope) => sum + slope, 0)) / POINTS;
  });
}

function signed(x) {
  const text = number(x, 0);
  return x > 0.5 ? `+${text}` : text;
}
