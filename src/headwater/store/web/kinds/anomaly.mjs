// An anomaly model on a page: how unusual the sample is, whether it is an alarm, and which columns make it so.

import { element, shownName } from "./form.mjs";
import { shownNumber, shownShare } from "./texts.mjs";
import { Tally, table } from "./words.mjs";

const RATE = 0.001; // of alarms, where nothing has changed
const LISTED = 12;

export const WORDS = {
  en: {
    learned: "{n} samples learned", form: "A sample", said: "Is it unusual?", learn_title: "Teach it", learn: "Learn this sample",
    unscored: "No sample was learned since this page was opened.",
    note: "Each sample is scored before it is learned. Alarms are counted since this page was opened; a sample that gives an alarm is not learned at first.",
    alarm: "An alarm: score {score}", usual: "Nothing unusual: score {score}", most: "more unusual than {share} of those before", column: "Column", adds: "Adds to it",
  },
  zh: {
    learned: "已学习 {n} 个样本", form: "一个样本", said: "是否异常？", learn_title: "教它", learn: "学习此样本",
    unscored: "打开本页以来还没有学习样本。",
    note: "每个样本在学习之前先被打分。警报数从打开本页算起；引起警报的样本起初不会被学习。",
    alarm: "警报：得分 {score}", usual: "没有异常：得分 {score}", most: "比之前 {share} 的样本更异常", column: "列", adds: "贡献",
  },
};

export async function begin() {
  const tally = new Tally({ metric: "alarms", phrase: "alarms", unit: "rows", more_is_better: null, expected: { expected: RATE } });
  return {
    show,
    teach: (page) => teach(page, tally),
    score: () => [tally.said],
    code: (x) => `<script type="module">\nimport { openKind } from "./kinds.mjs";\nconst model = await openKind("model.hw.z");\nconst x = ${x};\nconsole.log(model.scoreOne(x), model.isAnomalyOne(x), model.explainOne(x).contributions);\nmodel.learnOne(x);\n</script>`,
  };
}

async function show({ learner, x, said, unsaid, picture, words }) {
  const [score, { contributions }] = await Promise.all([learner.call("scoreOne", x), learner.call("explainOne", x)]);
  said.textContent = words(score > 1 - RATE ? "alarm" : "usual", { score: shownNumber(score) });
  said.className = score > 1 - RATE ? "wrong" : "";
  unsaid.textContent = words("most", { share: shownShare(score) });
  const parts = [...contributions].slice(0, LISTED);
  const most = Math.max(...parts.map(([, part]) => part), 1e-300);
  if (parts.length) picture.append(table([words("column"), words("adds")], parts.map(([name, part]) => ({ cells: [shownName(name), shownNumber(part)], share: part / most }))));
}

function teach({ learner, form, sample, learned, words }, tally) {
  form.append(element("button", words("learn"), { type: "submit", id: "learn-button" }));
  form.onsubmit = (event) => {
    event.preventDefault();
    learned(async () => {
      const x = sample();
      const score = await learner.call("scoreOne", x);
      await learner.call("learnOne", x);
      tally.add(score > 1 - RATE ? 1 : 0);
    });
  };
}
