// Chapter 23: somebody who asks before and after reads off the label of the row between.

import { colours } from "../frame/colours.mjs";
import { count, percent } from "../frame/texts.mjs";

const SHOWN = 6; // rows in the table
const EVERY = { each: 1, ten: 10, hundred: 100, classes: 1 };

export default {
  words: {
    en: {
      ask: "A clinic's model learns row by row, and an attacker asks it before and after. He knows age and clinic, and guesses who is ill: if the probability rose, “yes”. Play: how often is he right? What helps: to publish every ten rows, every hundred, or only the class?",
      solution: "He is right in nine of ten when each row is published, and in nearly all at first. Every ten rows he still reads seven in ten, and every hundred hardly more than the model says of everybody anyway. With classes alone there is next to nothing between two answers, but none of this is a proof.",
      way: "published", each: "each row", ten: "every 10 rows", hundred: "every 100 rows", classes: "classes alone",
      rows: "rows", guessed: "attacker right", said: "without the row", row: "row", before: "before", after: "after", guess: "guess", was: "is", right: "right so far", years: "years, clinic",
    },
    zh: {
      ask: "一家诊所的模型逐个样本地学，攻击者在学之前和之后各问一次。他知道年龄和诊所，猜谁有病：概率上升就猜“是”。按播放：他猜对多少？怎样才有用：每十个样本公布一次，每一百个公布一次，还是只给出类别？",
      solution: "每个样本都公布时，他十次猜对九次，开头几乎全对。每十个样本公布一次，他仍能十次猜对七次；每一百个公布一次，就几乎不比模型对谁都说的更多。只给出类别时，两次回答之间几乎看不出什么。但这些都不是证明。",
      way: "公布", each: "每个样本", ten: "每 10 个样本", hundred: "每 100 个样本", classes: "只给类别",
      rows: "样本数", guessed: "攻击者猜对", said: "不看这个样本", row: "样本", before: "之前", after: "之后", guess: "猜", was: "实际", right: "到目前为止猜对", years: "岁，诊所",
    },
  },
  rows: "visits",
  controls: { way: { among: Object.keys(EVERY), at: "each" } },
  pace: { every: 60, steps: 1 },
  start({ hw, rows }) {
    const model = new hw.Classifier({ seed: 1, dtype: "float64" });
    return { model, rows, at: 0, hits: [], plain: [], last: [], curve: [], free: () => model.free() };
  },
  step(state, { way }) {
    const { model, rows, hits, plain, last } = state;
    const part = rows.slice(state.at, state.at + Math.max(10, EVERY[way]));
    for (let from = 0; from < part.length; from += EVERY[way]) {
      const block = part.slice(from, from + EVERY[way]);
      const before = block.map(([age, clinic]) => ill(model, { age, clinic }));
      for (const [age, clinic, label] of block) model.learnOne({ age, clinic }, label);
      block.forEach(([age, clinic, label], i) => {
        const after = ill(model, { age, clinic });
        const usual = before[i] > 0.5 ? "yes" : "no";
        const guess = way === "classes" ? (after > 0.5 ? "yes" : "no") : after > before[i] ? "yes" : "no";
        hits.push(guess === label ? 1 : 0);
        plain.push(usual === label ? 1 : 0);
        last.unshift([`${age}, ${clinic}`, before[i], after, guess, label]);
      });
    }
    last.length = Math.min(last.length, SHOWN);
    state.at += part.length;
    state.curve.push([state.at, shareOf(hits), shareOf(plain)]);
    return state.at < rows.length;
  },
  show({ at, rows, hits, plain, last, curve }, { way }, words) {
    const shown = (p) => (way === "classes" ? (p > 0.5 ? "yes" : "no") : percent(p));
    return {
      pictures: [
        {
          head: [words.years, words.before, words.after, words.guess, words.was],
          rows: last.map(([who, before, after, guess, was]) => [who, shown(before), shown(after), guess, was]),
          said: words.row,
        },
        {
          title: words.right,
          x: { from: 0, to: rows.length, name: words.rows },
          y: { from: 0.4, to: 1, name: "", text: (value) => percent(value) },
          lines: [
            { points: curve.map(([x, y]) => [x, y]), colour: colours.orange, name: words.guessed },
            { points: curve.map(([x, , y]) => [x, y]), colour: colours.blue, dashed: true, name: words.said },
          ],
        },
      ],
      numbers: { rows: count(at), guessed: percent(shareOf(hits)), said: percent(shareOf(plain)) },
    };
  },
};

function ill(model, x) {
  return model.predictProbaOne(x).get("yes") ?? 0.5;
}

function shareOf(hits) {
  return hits.reduce((sum, hit) => sum + hit, 0) / hits.length;
}
