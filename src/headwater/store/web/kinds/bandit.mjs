// A bandit on a page: what each action is expected to earn and how probable it is, and what came of one that was taken.

import { byId, element } from "./form.mjs";
import { shownNumber, shownShare } from "./texts.mjs";
import { Tally, button, choice, field, table } from "./words.mjs";

const NEW = "new";
const OWN = "action."; // how the columns of an action's features begin

export const WORDS = {
  en: {
    learned: "{n} decisions learned", form: "The row", said: "Which action?", learn_title: "Teach it what came of an action", action: "The action taken", another: "another …", new_action: "New action", reward: "Its reward", learn: "Learn this",
    unscored: "No reward yet since this page was opened.",
    note: "Rewards since this page was opened. What drawing actions evenly would have earned follows from the probability of each action.",
    best: "{action}", expected: "Expected reward {reward}", actions: "Action", worth: "Expected reward", share: "Probability", draw: "Draw an action", drawn: "Drawn: {action}, with probability {p}.",
    offer: "This offer", offered: "An offer is a row and the features of one action, whose fields begin with action.",
  },
  zh: {
    learned: "已学习 {n} 次决策", form: "样本", said: "选择哪个动作？", learn_title: "教它动作的结果", action: "采取的动作", another: "其他 …", new_action: "新动作", reward: "得到的奖励", learn: "学习此结果",
    unscored: "打开本页以来还没有奖励。",
    note: "打开本页以来的奖励。均匀抽取动作本来会得到的奖励由各动作的概率推出。",
    best: "{action}", expected: "期望奖励 {reward}", actions: "动作", worth: "期望奖励", share: "概率", draw: "抽取一个动作", drawn: "抽到 {action}，概率 {p}。",
    offer: "此动作", offered: "这里的一行包括样本和一个动作的特征，后者的字段以 action. 开头。",
  },
};

export async function begin(learner) {
  const { withFeatures } = await learner.get("withFeatures");
  const tally = new Tally({ metric: "reward", phrase: "reward", unit: "decisions" });
  return {
    show: withFeatures ? showOffer : show,
    columns: (columns) => columns.filter(({ name }) => !name.includes(` × ${OWN}`)),
    teach: (page) => teach(page, tally, withFeatures),
    score: () => [tally.said],
    code: (x) => `<script type="module">\nimport { openKind } from "./kinds.mjs";\nconst model = await openKind("model.hw.z");\n${withFeatures ? offerCode(x) : choiceCode(x)}\n</script>`,
  };
}

const choiceCode = (x) => `const x = ${x};\nconst [action, p] = model.act(x);\nmodel.learn(x, action, 1.0, p); // its reward`;

function offerCode(given) {
  const [x, features] = apart(Object.entries(JSON.parse(given)));
  const plain = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");
  return `const x = ${plain(Object.fromEntries(x))};\nconst offers = new Map([["a", ${plain(features)}], ["b", ${plain(features)}]]);\nconst [action, p] = model.act(x, offers);\nmodel.learn(x, action, 1.0, p, offers.get(action)); // its reward`;
}

async function show({ learner, x, said, unsaid, picture, words }) {
  const [rewards, p, best] = await Promise.all([learner.call("expectedRewards", x), learner.call("probabilities", x), learner.call("predictOne", x)]);
  said.textContent = words("best", { action: best });
  unsaid.textContent = words("expected", { reward: shownNumber(rewards.get(best)) });
  const rows = [...rewards].sort(([, a], [, b]) => b - a).map(([action, reward]) => ({ cells: [String(action), shownNumber(reward), shownShare(p.get(action))], share: p.get(action), marked: action === best }));
  picture.append(table([words("actions"), words("worth"), words("share")], rows));
}

/** The row and the features of an action apart: what the columns say that begin with "action.". */
function apart(x) {
  const own = [...x].filter(([name]) => name.startsWith(OWN));
  return [new Map([...x].filter(([name]) => !name.startsWith(OWN))), Object.fromEntries(own.map(([name, value]) => [name.slice(OWN.length), value]))];
}

async function showOffer({ learner, x, said, unsaid, words }) {
  const [row, features] = apart(x);
  const rewards = await learner.call("expectedRewards", row, new Map([[words("offer"), features]]));
  said.textContent = words("expected", { reward: shownNumber(rewards.get(words("offer"))) });
  unsaid.textContent = words("offered");
}

async function teach({ learner, form, sample, learned, words }, tally, withFeatures) {
  const { known } = await learner.get("known");
  const action = withFeatures ? null : field(form, words("action"), choice("answer", [...known.map((one, i) => [String(i), String(one)]), [NEW, words("another")]]));
  const other = action && field(form, words("new_action"), element("input", undefined, { id: "answer-new", autocomplete: "off" }));
  const reward = field(form, words("reward"), element("input", undefined, { id: "reward", type: "number", step: "any", required: true }));
  const drawn = element("span", "", { id: "drawn", className: "soft" });
  if (action) {
    form.append(button(words("draw"), async () => {
      const [chosen, p] = await learner.call("act", sample());
      action.value = String(known.indexOf(chosen));
      action.onchange();
      drawn.textContent = words("drawn", { action: chosen, p: shownShare(p) });
    }, { id: "draw" }));
    action.onchange = () => (other.parentElement.hidden = action.value !== NEW);
    action.onchange();
  }
  form.append(element("button", words("learn"), { type: "submit", id: "learn-button" }), drawn);
  form.onsubmit = (event) => {
    event.preventDefault();
    learned(async () => {
      const given = reward.valueAsNumber;
      if (withFeatures) {
        const [row, features] = apart(sample());
        await learner.call("learn", row, words("offer"), given, 1, features);
        return tally.add(given);
      }
      const chosen = action.value === NEW ? other.value : known[Number(action.value)];
      const p = (await learner.call("probabilities", sample())).get(chosen) || 1;
      await learner.call("learn", sample(), chosen, given, p);
      tally.add(given, { uniform: given / p / known.length });
      if (action.value === NEW) await afterNew(form, () => teach({ learner, form, sample, learned, words }, tally, withFeatures));
      byId("reward").value = "";
    });
  };
}

async function afterNew(form, again) {
  form.replaceChildren();
  await again();
}
