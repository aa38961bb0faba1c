// Chapter 15: the world changes; one net goes on learning, the other has stopped.

import { colours } from "../frame/colours.mjs";
import { count, percent } from "../frame/texts.mjs";

const WINDOW = 100;
const CHANGE = 2000; // the row from which other parcels are late
const FRAME = 50; // rows a step

export default {
  words: {
    en: {
      ask: "After row 2,000 other parcels are late. Guess first: how many rows does the learning net need to recover? Then stop the other one earlier or later: does it help?",
      solution: "Some two or three hundred rows. The frozen net stays down for ever, whenever it was stopped: what it knows is no longer true. Only if it goes on until after the change does it know the new rule.",
      freeze: "stop learning at", rows: "rows", learning: "goes on learning", frozen: "stopped", accuracy: `right of the last ${WINDOW}`, change: "change",
    },
    zh: {
      ask: "第 2,000 个样本之后，晚到的是另一些包裹。先猜：继续学习的网络要多少个样本才能恢复？再让另一个网络早一点或晚一点停：有用吗？",
      solution: "两三百个左右。停止学习的网络不管何时停的，都一直停在低处：它知道的已经不对了。只有学到变化之后才停，它才知道新规则。",
      freeze: "停止学习于", rows: "样本数", learning: "继续学习", frozen: "停止学习", accuracy: `最近 ${WINDOW} 个答对`, change: "变化",
    },
  },
  rows: "parcels",
  controls: { freeze: { values: [500, 1000, 2000, 2500, 3000], at: 2000 } },
  pace: { every: 60, steps: 1 },
  start({ hw, rows }) {
    const [learning, frozen] = [0, 1].map(() => new hw.Classifier({ seed: 1, dtype: "float64" }));
    return { nets: { learning, frozen }, rows, at: 0, hits: { learning: [], frozen: [] }, curve: [], free: () => (learning.free(), frozen.free()) };
  },
  step(state, { freeze }) {
    const { nets, rows, hits } = state;
    const to = Math.min(state.at + FRAME, rows.length);
    for (; state.at < to; state.at++) {
      const [by, goes, kilos, y] = rows[state.at];
      const x = { by, to: goes, kilos };
      for (const [name, net] of Object.entries(nets)) {
        hits[name].push(net.predictOne(x) === y ? 1 : 0);
        if (name === "learning" || state.at < freeze) net.learnOne(x, y);
      }
    }
    state.curve.push([state.at, shareOf(hits.learning), shareOf(hits.frozen)]);
    return state.at < rows.length;
  },
  show({ at, hits, curve, rows }, { freeze }, words) {
    const line = (column) => curve.map((point) => [point[0], point[column]]);
    return {
      pictures: [
        {
          title: words.accuracy,
          x: { from: 0, to: rows.length, name: words.rows },
          y: { from: 0, to: 1.2, ticks: [0, 0.25, 0.5, 0.75, 1], name: "", text: (value) => percent(value) },
          marks: [{ x: CHANGE, text: words.change }, { x: freeze, colour: colours.orange, dashed: true }],
          lines: [
            { points: line(2), colour: colours.orange, dashed: true },
            { points: line(1), colour: colours.blue },
          ],
        },
        {
          title: words.accuracy,
          items: ["learning", "frozen"].map((name) => ({
            ...{ name: words[name], value: shareOf(hits[name]) || 0, text: percent(shareOf(hits[name])) },
            colour: name === "learning" ? colours.blue : colours.orange,
          })),
          to: 1,
        },
      ],
      numbers: { rows: count(at), learning: percent(shareOf(hits.learning)), frozen: percent(shareOf(hits.frozen)) },
    };
  },
};

function shareOf(hits) {
  const last = hits.slice(-WINDOW);
  return last.reduce((sum, hit) => sum + hit, 0) / last.length;
}
