// A forecaster on a page: the last values of the series, its forecast with a fan, and the next value to learn.

import { draw } from "./chart.mjs";
import { byId, element } from "./form.mjs";
import { language, shownNumber } from "./texts.mjs";
import { Tally, field, table } from "./words.mjs";

const [SHOWN, LISTED] = [60, 12]; // values of the past that are drawn, and times ahead in the table
const [HEIGHT, LEFT, BOTTOM] = [230, 52, 26];
const NARROWEST = 240;
const FAN = [0.9, 0.5];

export const WORDS = {
  en: {
    learned: "{n} values learned", form: "What is known of the next time", said: "What comes next", learn_title: "Teach it the next value", value: "The next value", learn: "Learn this value",
    unscored: "No value yet since this page was opened.",
    note: "Each value since this page was opened is compared with its forecast. An empty field is a gap: time goes on.",
    line: "The next value: {y}", band: "in 9 of 10 cases between {low} and {high}", time: "Times ahead", forecast: "Forecast", low: "From", high: "To",
    picture: "The last {n} values, and the forecast of the next {h} with bands that hold 50 % and 90 % of the values", past: "values", ahead: "forecast", now: "now",
  },
  zh: {
    learned: "已学习 {n} 个数值", form: "下一时刻的已知信息", said: "接下来会是多少", learn_title: "教它下一个数值", value: "下一个数值", learn: "学习这个数值",
    unscored: "打开本页以来还没有新的数值。",
    note: "打开本页以来的每个数值都与其预测相比较。留空表示缺失：时间照常前进。",
    line: "下一个数值：{y}", band: "十次中有九次介于 {low} 和 {high} 之间", time: "提前几步", forecast: "预测", low: "下限", high: "上限",
    picture: "最近 {n} 个数值，以及对之后 {h} 个数值的预测，两条带分别容纳 50% 和 90% 的数值", past: "数值", ahead: "预测", now: "现在",
  },
};

/** Begin with a model: what it is that the page asks. */
export async function begin(learner) {
  const { settings: { season } } = await learner.get("settings");
  const tally = new Tally({ metric: "mae", phrase: "ahead error", unit: "values", more_is_better: false });
  return {
    show,
    teach: (page) => teach(page, tally, season),
    score: () => [tally.said],
    code: (x) => `<script type="module">\nimport { openKind } from "./kinds.mjs";\nconst model = await openKind("model.hw.z");\nconsole.log(model.forecast(12), model.forecastInterval(12));\nmodel.learnOne(42.5${x === "{}" ? "" : `, ${x}`});\n</script>`,
  };
}

async function show({ learner, x, said, unsaid, picture, words }) {
  const { horizon } = await learner.get("horizon");
  const n = Math.min(horizon, SHOWN);
  const xs = [x];
  const [ahead, past, ...fan] = await Promise.all([learner.call("forecast", n, xs), learner.call("lastValues"), ...FAN.map((share) => learner.call("forecastInterval", n, xs, share))]);
  said.textContent = words("line", { y: shownNumber(ahead[0]) });
  const [low, high] = fan[0][0];
  if (Number.isFinite(high - low)) unsaid.textContent = words("band", { low: shownNumber(low), high: shownNumber(high) });
  const shown = past.slice(-SHOWN);
  picture.append(chart(shown, ahead, fan, Math.max(picture.clientWidth, NARROWEST), words), table(["time", "forecast", "low", "high"].map((key) => words(key)), ahead.slice(0, LISTED).map((y, i) => ({ cells: [String(i + 1), ...[y, ...fan[0][i]].map((one) => (Number.isFinite(one) ? shownNumber(one) : "–"))] }))));
}

/** The series and its forecast as a picture. */
function chart(past, ahead, fan, width, words) {
  const ends = fan.flat(2).filter(Number.isFinite);
  const all = [...past, ...ahead, ...ends];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const span = most - least || 1;
  const step = (width - LEFT - 8) / Math.max(past.length + ahead.length - 1, 1);
  const at = (i, y) => `${(LEFT + i * step).toFixed(1)},${(HEIGHT - BOTTOM - ((y - least) / span) * (HEIGHT - BOTTOM - 10)).toFixed(1)}`;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", class: "chart", "aria-label": words("picture", { n: past.length, h: ahead.length }) });
  for (const [k, band] of fan.entries()) {
    if (!band.flat().every(Number.isFinite)) continue;
    const edge = (side) => band.map((own, i) => at(past.length + i, own[side]));
    svg.append(draw("polygon", { class: `band band-${k}`, points: [...edge(0), ...edge(1).reverse()].join(" ") }));
  }
  svg.append(draw("polyline", { class: "past", points: past.map((y, i) => at(i, y)).join(" ") }));
  svg.append(draw("polyline", { class: "ahead", points: [past.length ? at(past.length - 1, past.at(-1)) : "", ...ahead.map((y, i) => at(past.length + i, y))].join(" ") }));
  const now = LEFT + Math.max(past.length - 1, 0) * step;
  svg.append(draw("line", { class: "now", x1: now, x2: now, y1: 6, y2: HEIGHT - BOTTOM }));
  for (const [y, where] of [[most, 16], [least, HEIGHT - BOTTOM]]) svg.append(draw("text", { x: LEFT - 6, y: where, class: "tick end" }, shownNumber(y, 3)));
  svg.append(draw("text", { x: LEFT, y: HEIGHT - 6, class: "tick" }, words("past")), draw("text", { x: now - 6, y: HEIGHT - 6, class: "tick end" }, words("now")), draw("text", { x: width - 8, y: HEIGHT - 6, class: "tick end" }, words("ahead")));
  return svg;
}

function teach({ learner, form, sample, learned, words }, tally, season) {
  const value = field(form, words("value"), element("input", undefined, { id: "answer", type: "number", step: "any", lang: language() }));
  form.append(element("button", words("learn"), { type: "submit", id: "learn-button" }));
  form.onsubmit = (event) => {
    event.preventDefault();
    const y = value.value === "" ? null : value.valueAsNumber;
    learned(async () => {
      const x = sample();
      const [[guess], past] = await Promise.all([learner.call("forecast", 1, [x]), learner.call("lastValues")]);
      await learner.call("learnOne", y, x);
      const before = past.length >= season ? { season: Math.abs(y - past.at(-season)) } : {};
      if (y !== null) tally.add(Math.abs(y - guess), { "no-change": Math.abs(y - (past.at(-1) ?? 0)), ...(season > 1 ? before : {}) });
      value.value = "";
      byId("answer").focus();
    });
  };
}
