// Chapter 25: who bites whom, read as single words, or as pairs of neighbours.

import { colours } from "../frame/colours.mjs";
import { count, percent } from "../frame/texts.mjs";

const WINDOW = 300;
const FRAME = 10; // sentences a step
const SHOWN = 6; // of them in the table

export default {
  words: {
    en: {
      ask: "Who bites? Guess before each sentence, then let the net read single words, and pairs of neighbours. How many sentences do the pairs need? And why do the words never get anywhere?",
      solution: "With pairs some dozens are enough: “dog bites” and “man bites” each come in one kind of sentence alone. Single words are the same in both kinds, whatever the order, so no weight on them can tell one from the other: a coin is as good.",
      text: "reads", bigrams: "pairs", rows: "sentences", right: `right of the last ${WINDOW}`, sentence: "sentence", said: "predicted", was: "bites", nothing: "nothing yet", accuracy: "right so far", words: "single words",
    },
    zh: {
      ask: "谁在咬？每句先自己猜，再让网络读单个词，或者读词对。读词对要多少句才学会？为什么读单个词总是学不会？",
      solution: "读词对几十句就够了：“dog bites”和“man bites”各只出现在一种句子里。单个词在两种句子里完全一样，只是次序不同，所以词上的任何权重都分不开它们，和抛硬币差不多。",
      text: "读", bigrams: "词对", rows: "句数", right: `最近 ${WINDOW} 句答对`, sentence: "句子", said: "预测", was: "谁咬", nothing: "还没有", accuracy: "到目前为止答对", words: "单个词",
    },
  },
  rows: "bites",
  controls: { text: { among: ["words", "bigrams"], at: "words" } },
  pace: { every: 60, steps: 1 },
  start({ hw, rows, set: { text } }) {
    const model = new hw.Classifier({ seed: 1, dtype: "float64", text });
    return { model, rows, at: 0, hits: [], last: [], curve: [], free: () => model.free() };
  },
  step(state) {
    const { model, rows, hits, last } = state;
    const to = Math.min(state.at + FRAME, rows.length);
    for (; state.at < to; state.at++) {
      const [news, who] = rows[state.at];
      const said = model.predictOne({ news });
      hits.push(said === who ? 1 : 0);
      last.unshift([news, said, who]);
      model.learnOne({ news }, who);
    }
    last.length = Math.min(last.length, SHOWN);
    state.curve.push([state.at, shareOf(hits)]);
    return state.at < rows.length;
  },
  show({ at, rows, hits, last, curve }, set, words) {
    return {
      pictures: [
        { head: [words.sentence, words.said, words.was], rows: last.map(([news, said, who]) => [news, said ?? words.nothing, who]), said: words.sentence },
        {
          title: words.accuracy,
          x: { from: 0, to: rows.length, name: words.rows },
          y: { from: 0, to: 1.2, ticks: [0, 0.25, 0.5, 0.75, 1], name: "", text: (value) => percent(value) },
          marks: [{ y: 0.5, colour: colours.pale }],
          lines: [{ points: curve }],
        },
      ],
      numbers: { rows: count(at), right: percent(shareOf(hits.slice(-WINDOW))) },
    };
  },
};

function shareOf(hits) {
  return hits.reduce((sum, hit) => sum + hit, 0) / hits.length;
}
