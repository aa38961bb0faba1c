// The first screen: the task in words, the state, the verdict, and three figures.
import { baselineName } from "../words/verdict.mjs";
import { byId, element } from "../shared/dom.js";
import { current, gap, text } from "../shared/language.js";
import { has, state, words } from "./state.js";
import { bestOf, comparisonsOf, figure, intervalOf, isAhead, lately, metricName, show, showVerdict } from "./verdict.js";

const CLASSES = 4, LETTERS = 40;
const count = (n) => n.toLocaleString("en-US");
const short = (name) => (name.length > LETTERS ? `${name.slice(0, LETTERS - 1)}…` : name);

// A time in days, hours or minutes, of which it has at least two.
function age(seconds) {
  const unit = [["day", 86400], ["hour", 3600], ["minute", 60]].find(([, one]) => seconds >= 2 * one) ?? ["minute", 60];
  return new Intl.NumberFormat(current() === "zh" ? "zh-CN" : "en-US", { style: "unit", unit: unit[0], unitDisplay: "long", maximumFractionDigits: 0 }).format(seconds / unit[1]);
}

// The state of the page: the first that applies.
export function condition({ link, frame }) {
  if (link === "disconnected") return "disconnected";
  if (!frame) return "starting";
  if (!frame.ready) return "not_ready";
  if (frame.elsewhere) return frame.elsewhere.too_old ? "too_old" : "elsewhere";
  if (frame.guard && frame.guard.event === "behind") return `guard_${frame.guard.action}`;
  if (frame.paused) return "paused";
  const { n } = frame.learners[0].scores;
  if (n) return "live";
  if (frame.learners[0].n_learned) return "unscored";
  return frame.given_out ? "waiting" : "empty";
}

export function showState() {
  const name = condition(state), place = byId("state");
  const sentence = text(`state_${name}`, { n: count(state.frame?.given_out ?? 0), baseline: baselineName(state.frame?.guard?.baseline ?? "", current()), time: new Date(state.at).toLocaleTimeString() });
  place.className = `state ${name}`;
  if (place.textContent !== sentence) place.textContent = sentence; // a status is read aloud when it changes
  byId("empty").hidden = name !== "empty";
  byId("verdict").classList.toggle("old", name === "disconnected");
}

function question(frame) {
  if (frame.demo) return text("question_demo");
  const { classes } = frame;
  if (!has(frame, "classes") || classes.length < 2) return words(frame, "question");
  const names = classes.slice(0, CLASSES).map(short);
  if (classes.length <= CLASSES) return text("question_between", { classes: names.join(text("or")) });
  return text("question_between", { classes: text("more_classes", { classes: names.join(", "), n: frame.n_classes }) });
}

export function showOverview() {
  const { frame } = state, learner = frame.learners[0];
  byId("question").textContent = question(frame);
  byId("about").textContent = frame.demo ? text("about_demo") : words(frame, "about");
  if (frame.keys) byId("about").textContent = `${text("about_keys", { key: frame.keys.name, n: count(frame.keys.keys) })}${gap()}${byId("about").textContent}`;
  if (frame.oldest) byId("about").textContent += ` ${text("oldest", { age: age(frame.oldest.age_s), rows: count(frame.oldest.rows) })}`;
  showVerdict(learner);
  byId("numbers").replaceChildren(...cards(frame, learner));
  const labels = frame.about.example === null ? "" : `, "labels": [${frame.about.example}]`;
  byId("example").textContent = `curl -X POST ${location.origin}/models/${frame.name}/teach \\\n  -H 'content-type: application/json' \\\n  -d '{"rows": [{"hour": 8, "from": "JFK"}]${labels}}'`;
}

function cards(frame, learner) {
  const compared = comparisonsOf(learner);
  const rate = frame.elsewhere ? text("state_age", { n: count(Math.round(frame.elsewhere.age)) }) : text("per_second", { n: count(Math.round(frame.now.rate)) });
  const pace = [rate, ...(frame.given_out ? [text("given_out", { n: count(frame.given_out) })] : [])];
  if (learner.states != null) pace.push(text("states", { n: count(learner.states) }));
  const scores = compared.length > 1 ? [ahead(compared)] : scored(compared[0], learner);
  if (has(frame, "routes") && frame.series?.decisions) scores.push(spending(frame.series));
  return [...scores, card("learned", count(learner.n_learned), text("learned"), pace.join(" · "))];
}

// What a router spent beside its budget.
function spending({ decisions, spent, budget, price }) {
  const mean = spent / decisions, all = text("spent_all", { n: count(decisions), spent: figure(spent), price: figure(price, 2) });
  if (!budget) return card("spent", figure(mean), text("spent_alone"), `${text("no_budget")} · ${all}`);
  return card("spent", text("percent", { n: (100 * mean / budget).toFixed(1) }), text("spent"), `${text("spent_more", { mean: figure(mean), budget: figure(budget) })} · ${all}`);
}

// Of several outputs no mean stands for all: how many are ahead.
function ahead(compared) {
  return card("score", `${compared.filter(isAhead).length} / ${compared.length}`, text("outputs_ahead"), "");
}

function scored(one, learner) {
  if (!one) return [card("score", "–", metricName(learner.scores.comparisons[0]?.metric ?? ""), ""), card("baseline", "–", text("baseline"), "")];
  const span = lately(one), guess = bestOf(one), unit = text(`unit_${one.unit}`);
  const whole = text("all_of", { value: show(one.metric, one.overall.model), n: count(one.overall.n), unit });
  const others = Object.entries(span.guesses).filter(([name, value]) => name !== guess && value != null).map(([name, value]) => `${baselineName(name, current())} ${show(one.metric, value)}`);
  const within = intervalOf(learner.scores, one), more = [...(within ? [text("within", { low: show(one.metric, within[0]), high: show(one.metric, within[1]) })] : []), ...(span.n < one.overall.n ? [whole] : [])];
  const first = card("score", show(one.metric, span.model), text("last_of", { metric: metricName(one.metric), n: count(span.n), unit }), more.join(" · "));
  return guess ? [first, card("baseline", show(one.metric, span.guesses[guess]), baselineName(guess, current()), others.join(" · "))] : [first];
}

function card(id, value, name, more) {
  const box = element("div", undefined, { className: "number", id: `card-${id}` });
  box.append(element("span", name, { className: "name" }), element("b", value), element("span", more, { className: "more" }));
  return box;
}
