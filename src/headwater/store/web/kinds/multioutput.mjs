// A learner of several outputs on a page: a line for each, and the answers of those that are known.

import { brief, element } from "./form.mjs";
import { Scores } from "./score.mjs";
import { shownNumber, shownShare } from "./texts.mjs";
import { choice, field, table } from "./words.mjs";

export const WORDS = {
  en: {
    learned: "{n} samples learned", form: "A sample", said: "Which answers?", learn_title: "Teach it", learn: "Learn this", unknown: "not known",
    unscored: "No answer yet since this page was opened.",
    note: "Each answer since this page was opened is compared with what the model said before it learned it, output by output.",
    output: "Output", predicted: "Prediction", share: "Probability", line: "{n} answers",
  },
  zh: {
    learned: "已学习 {n} 个样本", form: "一个样本", said: "有哪些答案？", learn_title: "教它", learn: "学习此样本", unknown: "未知",
    unscored: "打开本页以来还没有答案。",
    note: "打开本页以来的每个答案都与模型学习之前的预测相比较，逐个输出分别计算。",
    output: "输出", predicted: "预测", share: "概率", line: "{n} 个答案",
  },
};

const shown = (y) => (typeof y === "number" ? shownNumber(y) : brief(String(y)));

export async function begin() {
  const scores = new Map();
  return {
    show,
    teach: (page) => teach(page, scores),
    score: () => [...scores].filter(([, one]) => one.n).map(([name, one]) => ({ ...one.said, output: String(name) })),
    code: (x) => `<script type="module">\nimport { openKind } from "./kinds.mjs";\nconst model = await openKind("model.hw.z");\nconst x = ${x};\nconsole.log(model.predictOne(x), model.outputs);\nmodel.learnOne(x, new Map([[model.outputs[0], 1.5]])); // what is known of its answers\n</script>`,
  };
}

async function show({ learner, x, said, picture, words }) {
  const all = [...(await learner.call("said", x))];
  said.textContent = all.map(([name, { y }]) => `${brief(String(name))}: ${shown(y)}`).slice(0, 3).join(" · ");
  const rows = all.map(([name, { y, classes }]) => ({ cells: [String(name), shown(y), classes ? shownShare(classes.get(y)) : "–"], share: classes ? classes.get(y) : 0 }));
  picture.append(table([words("output"), words("predicted"), words("share")], rows));
}

async function teach({ learner, form, sample, learned, words }, scores) {
  const { outputs } = await learner.get("outputs");
  const inputs = [];
  for (const [i, name] of outputs.entries()) {
    const classes = await learner.call("classesOf", name);
    const input = classes ? choice(`answer-${i}`, [["", words("unknown")], ...classes.map((one, j) => [String(j), String(one)])]) : element("input", undefined, { id: `answer-${i}`, type: "number", step: "any", placeholder: words("unknown") });
    inputs.push({ name, classes, input: field(form, String(name), input) });
    if (!scores.has(name)) scores.set(name, new Scores(classes === null));
  }
  form.append(element("button", words("learn"), { type: "submit", id: "learn-button" }));
  form.onsubmit = (event) => {
    event.preventDefault();
    const answers = new Map(inputs.filter(({ input }) => input.value !== "").map(({ name, classes, input }) => [name, classes ? classes[Number(input.value)] : input.valueAsNumber]));
    learned(async () => {
      const said = await learner.call("learnOne", sample(), answers);
      for (const [name, y] of answers) scores.get(name).add(y, said.get(name));
      for (const { input } of inputs) input.value = "";
    });
  };
}
