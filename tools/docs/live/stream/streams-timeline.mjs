// Chapter 12: predict, see the answer, score, learn: one row after the other.

import { colours } from "../frame/colours.mjs";
import { count, percent } from "../frame/texts.mjs";

const WINDOW = 200; // rows of the score over the last ones
const SHOWN = 7; // rows in the table

export default {
  words: {
    en: {
      ask: "Press “Step” and guess before each row: will the rack be empty? After how many rows does the net beat “always bikes”? Then let the answers come a week (168 rows) late: what does it cost?",
      solution: "It is ahead after some three hundred rows. When the answers come a week late, the first week is lost, since nothing can be learned before the first answer; in the long run hardly anything is, for the rule never changes.",
      stride: "rows at once", late: "answers late by", rows: "rows", right: "right so far", last: `of the last ${WINDOW}`, always: "always “bikes”",
      hour: "hour", rain: "rain", day: "day", said: "said", was: "was", net: "the net", yes: "yes", no: "no", nothing: "nothing yet",
      bikes: "bikes", empty: "empty", "work day": "work day", weekend: "weekend", accuracy: `right, last ${WINDOW}`,
    },
    zh: {
      ask: "按“走一步”，每个样本先自己猜：车会被骑光吗？多少个样本之后，网络胜过“总说有车”？再让答案晚一周（168 个样本）到：要付出什么代价？",
      solution: "大约三百个样本之后它就领先了。答案晚一周到，第一周就白费了，因为第一个答案到来之前什么也学不到；长远看几乎没有损失，因为规则从来不变。",
      stride: "每次样本数", late: "答案晚到", rows: "样本数", right: "到目前为止答对", last: `最近 ${WINDOW} 个`, always: "总说“有车”",
      hour: "钟点", rain: "下雨", day: "日子", said: "预测", was: "实际", net: "网络", yes: "是", no: "否", nothing: "还没有",
      bikes: "有车", empty: "空", "work day": "工作日", weekend: "周末", accuracy: `最近 ${WINDOW} 个答对`,
    },
  },
  rows: "bikes",
  controls: {
    stride: { values: [1, 9, 90, 900], at: 1, live: true },
    late: { values: [0, 1, 24, 168], at: 0 },
  },
  pace: { every: 120, steps: 1 },
  start({ hw, rows }) {
    const model = new hw.Classifier({ seed: 1, dtype: "float64" });
    return { model, rows, at: 0, right: 0, bikes: 0, recent: [], curve: [], last: [], waiting: [], free: () => model.free() };
  },
  step(state, { stride, late }) {
    for (let i = 0; i < stride && state.at < state.rows.length; i++) oneRow(state, late);
    return state.at < state.rows.length;
  },
  show({ at, right, bikes, recent, curve, last }, set, words) {
    const share = recent.length ? recent.reduce((sum, hit) => sum + hit, 0) / recent.length : NaN;
    const line = (column) => curve.map((point) => [point[0], point[column]]);
    return {
      pictures: [
        {
          head: [words.hour, words.rain, words.day, words.said, words.was, ""],
          rows: last.map(([x, said, y]) => [String(x.hour), words[x.rain ? "yes" : "no"], words[x.day], words[said] ?? words.nothing, words[y], said === y ? "✓" : "✗"]),
          strong: last.length - 1,
        },
        {
          title: words.accuracy,
          x: { from: 0, to: Math.max(200, at), name: words.rows },
          y: { from: 0.4, to: 1, name: "", text: (value) => percent(value) },
          lines: [
            { points: line(2), colour: colours.pale, dashed: true, name: words.always },
            { points: line(1), colour: colours.blue, name: words.net },
          ],
        },
      ],
      numbers: { rows: count(at), right: percent(right / at, 1), last: percent(share, 1), always: percent(bikes / at, 1) },
    };
  },
};

/** One row: its prediction, its score, and whatever answer has come by now. */
function oneRow(state, late) {
  const { model, rows, waiting, recent, last, curve } = state;
  const [hour, rain, day, y] = rows[state.at];
  const x = { hour, rain, day };
  const said = model.predictOne(x);
  waiting.push([x, y]);
  if (waiting.length > late) model.learnOne(...waiting.shift());
  state.at += 1;
  state.right += said === y;
  state.bikes += y === "bikes";
  recent.push(said === y ? 1 : 0);
  if (recent.length > WINDOW) recent.shift();
  last.push([x, said, y]);
  if (last.length > SHOWN) last.shift();
  if (state.at % 10 === 0) curve.push([state.at, recent.reduce((sum, hit) => sum + hit, 0) / recent.length, state.bikes / state.at]);
}
