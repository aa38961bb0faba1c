// An agent on a page: what it would do in the state at hand, and what an action led to.

import { byId, element } from "./form.mjs";
import { shownNumber, shownShare } from "./texts.mjs";
import { Tally, button, choice, field, table } from "./words.mjs";

const FIRST = 10; // episodes that the later ones are compared with

export const WORDS = {
  en: {
    learned: "{n} transitions learned", form: "The state", said: "What to do?", learn_title: "Teach it what an action led to", action: "The action", take: "Take it", reward: "The reward", ended: "The episode has ended", learn: "Learn this",
    unscored: "No episode has ended since this page was opened.",
    note: "Take an action, enter the state that followed above, and the reward: both are learned together. Returns are those of episodes that ended on this page.",
    best: "{action}", value: "worth of this state: {value}", worth: "Value", share: "Probability", actions: "Action", number: "Number {n} of the action",
    taken: "Taken: {action}. Enter the state that followed above, then its reward.", first: "First take an action.",
  },
  zh: {
    learned: "已学习 {n} 次转移", form: "状态", said: "该怎么做？", learn_title: "教它动作带来了什么", action: "动作", take: "采取它", reward: "奖励", ended: "回合结束", learn: "学习此结果",
    unscored: "打开本页以来还没有结束的回合。",
    note: "采取一个动作，在上面填入随后的状态，再填入奖励：两者一起学习。回报来自在本页结束的回合。",
    best: "{action}", value: "此状态的价值：{value}", worth: "价值", share: "概率", actions: "动作", number: "动作的第 {n} 个数",
    taken: "已采取 {action}。请在上面填入随后的状态，再填入奖励。", first: "请先采取一个动作。",
  },
};

export async function begin(learner) {
  const tally = new Tally({ metric: "return", phrase: "return", unit: "episodes" });
  const run = { sum: 0, firsts: [], taken: null };
  return {
    show,
    teach: (page) => teach(page, tally, run),
    score: () => [tally.said],
    code: (x) => `<script type="module">\nimport { openKind } from "./kinds.mjs";\nconst model = await openKind("model.hw.z");\nconst state = ${x};\nconst action = model.act(state);\nmodel.learn(state, action, 1.0, state, false); // reward, the state that followed, whether the episode has ended\n</script>`,
  };
}

const named = (action) => (Array.isArray(action) ? action.map((one) => shownNumber(one, 3)).join(", ") : String(action));

async function show({ learner, x, said, unsaid, picture, words }) {
  const [best, { value, actions }, { hasActionValues }] = await Promise.all([learner.call("act", x, false), learner.call("says", x), learner.get("hasActionValues")]);
  said.textContent = words("best", { action: named(best) });
  if (!hasActionValues) unsaid.textContent = words("value", { value: shownNumber(value) });
  const all = [...actions].sort(([, a], [, b]) => b - a);
  const [least, most] = [Math.min(...actions.values()), Math.max(...actions.values())];
  const long = (one) => (hasActionValues ? (most > least ? (one - least) / (most - least) : 0) : one);
  if (all.length) picture.append(table([words("actions"), words(hasActionValues ? "worth" : "share")], all.map(([action, one]) => ({ cells: [String(action), hasActionValues ? shownNumber(one) : shownShare(one)], share: long(one), marked: action === best }))));
}

async function teach({ learner, form, sample, learned, words }, tally, run) {
  const { actions, ranges } = await learner.get("actions", "ranges");
  const select = actions.length ? field(form, words("action"), choice("answer", actions.map((one, i) => [String(i), String(one)]))) : null;
  const numbers = ranges.map((_, j) => field(form, words("number", { n: j + 1 }), element("input", undefined, { id: `number-${j}`, type: "number", step: "any", value: "0" })));
  const note = element("span", "", { id: "taken", className: "soft" });
  form.append(button(words("take"), () => {
    run.taken = { state: sample(), action: select ? actions[Number(select.value)] : numbers.map((one) => one.valueAsNumber) };
    note.textContent = words("taken", { action: named(run.taken.action) });
  }, { id: "take" }));
  const reward = field(form, words("reward"), element("input", undefined, { id: "reward", type: "number", step: "any", required: true, value: "0" }));
  const ended = field(form, words("ended"), element("input", undefined, { id: "ended", type: "checkbox" }));
  form.append(element("button", words("learn"), { type: "submit", id: "learn-button" }), note);
  form.onsubmit = (event) => {
    event.preventDefault();
    learned(async () => {
      if (!run.taken) throw new Error(words("first"));
      const given = reward.valueAsNumber;
      await learner.call("learn", run.taken.state, run.taken.action, given, sample(), ended.checked);
      run.sum += given;
      if (ended.checked) endEpisode(tally, run);
      run.taken = null;
      note.textContent = "";
      byId("ended").checked = false;
    });
  };
}

function endEpisode(tally, run) {
  if (run.firsts.length < FIRST) run.firsts.push(run.sum);
  const mean = run.firsts.reduce((sum, one) => sum + one, 0) / run.firsts.length;
  tally.add(run.sum, run.firsts.length < FIRST ? {} : { first: mean });
  run.sum = 0;
}
