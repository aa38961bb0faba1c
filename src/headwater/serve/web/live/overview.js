// The first screen: the task in words, the state, the verdict, and three figures.
import { byId, element } from "../shared/dom.js";
import { current, text } from "../shared/language.js";
import { baselineNames, isAgent, isBandit, isClassifier, isDetector, isOther, isOutputs, scoreName, state } from "./state.js";
import { best, compare, figure, plain, show, verdict } from "./verdict.js";

const CLASSES = 4;
const count = (n) => n.toLocaleString(current() === "zh" ? "zh-CN" : "en-US");

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
  if (frame.paused) return "paused";
  const { n } = frame.learners[0].scores;
  if (n) return "live";
  if (frame.learners[0].n_learned) return "unscored";
  return frame.given_out ? "waiting" : "empty";
}

export function showState() {
  const name = condition(state), place = byId("state");
  const sentence = text(`state_${name}`, { n: count(state.frame?.given_out ?? 0), time: new Date(state.at).toLocaleTimeString() });
  place.className = `state ${name}`;
  if (place.textContent !== sentence) place.textContent = sentence; // a status is read aloud when it changes
  byId("empty").hidden = name !== "empty";
  byId("verdict").classList.toggle("old", name === "disconnected");
}

function question(frame) {
  if (frame.demo) return text("question_demo");
  if (isOther(frame)) return text("question_other", frame.about);
  if (!isClassifier(frame)) return text(`question_${frame.task}`);
  const { classes } = frame;
  if (classes.length < 2) return text("question_classify");
  if (classes.length <= CLASSES) return text("question_between", { classes: classes.join(text("or")) });
  return text("question_between", { classes: text("more_classes", { classes: classes.slice(0, CLASSES).join(", "), n: frame.n_classes }) });
}

export function showOverview() {
  const { frame } = state, learner = frame.learners[0], { scores } = learner;
  byId("question").textContent = question(frame);
  byId("about").textContent = text(frame.demo ? "about_demo" : isOther(frame) ? "about_other" : `about_${frame.task}`, { ...frame.about, name: frame.name });
  if (frame.oldest) byId("about").textContent += ` ${text("oldest", { age: age(frame.oldest.age_s), rows: count(frame.oldest.rows) })}`;
  showVerdict(frame, scores);
  byId("numbers").replaceChildren(...cards(frame, learner));
  if (isOther(frame)) {
    byId("example").textContent = `curl -X POST ${location.origin}/models/${frame.name}/teach \\\n  -d '{"rows": [{"hour": 8}], "labels": [${frame.about.example}]}'`;
    return;
  }
  if (isAgent(frame)) {
    byId("example").textContent = `curl -X POST ${location.origin}/models/${frame.name}/transition \\\n  -H 'content-type: application/json' \\\n  -d '{"x": {"position": 0.1}, "action": 0, "reward": 1.0, "next": {"position": 0.2}, "terminated": false}'`;
    return;
  }
  const [path, x] = [isBandit(frame) ? "act" : "learn", '{"hour": 8, "from": "JFK"}'];
  const more = isBandit(frame) ? ', "actions": ["a", "b"]' : isDetector(frame) ? "" : `, "y": ${isOutputs(frame) ? '{"late": true, "minutes": 12.5}' : isClassifier(frame) ? '"late"' : "12.5"}`;
  byId("example").textContent = `curl -X POST ${location.origin}/models/${frame.name}/${path} \\\n  -H 'content-type: application/json' \\\n  -d '{"x": ${x}${more}}'`;
}

function showVerdict(frame, scores) {
  const found = compare(frame, scores), last = compare(frame, scores.window), line = byId("verdict");
  line.textContent = verdict(frame, scores);
  line.dataset.state = found?.state ?? "none";
  const partly = last && scores.window.n < scores.n ? text("verdict_window", { ...last, n: count(scores.window.n) }) : "";
  byId("verdict-more").textContent = isDetector(frame) ? text("verdict_anomaly_how") : isAgent(frame) ? text("verdict_control_how") : isOther(frame) ? partly : found ? `${partly} ${text(`guess_${found.name}`)}` : "";
}

function cards(frame, learner) {
  const { scores, n_learned: learned } = learner, key = scoreName(frame), n = count(Math.max(scores.window.n, 1));
  const window = scores.n ? { n } : { n: count(1000) };
  const guess = best(frame, scores.window);
  const others = baselineNames(frame).map((name) => `${text(name)} ${show(frame, scores.window[name][key])}`).join(" · ");
  const rate = frame.elsewhere ? text("state_age", { n: count(Math.round(frame.elsewhere.age)) }) : text("per_second", { n: count(Math.round(frame.now.rate)) });
  const pace = [rate, ...(frame.given_out ? [text("given_out", { n: count(frame.given_out) })] : [])];
  if (learner.states != null) pace.push(text("states", { n: count(learner.states) }));
  return [
    card("score", show(frame, scores.window.model[key]), isOther(frame) ? text("other_window", { ...window, score: plain(key) }) : text(`${key}_window`, window), scores.n ? text("all_rows", { value: show(frame, scores.model[key]), n: count(scores.n) }) : ""),
    isAgent(frame) ? card("episodes", count(scores.episodes), text("episodes"), text("reward_a_step", { value: figure(scores.window.model.reward) })) : isDetector(frame) ? card("alarms", count(scores.alarms), text("alarms"), text("mean_score", { value: figure(scores.window.model.mean_score) })) : card("baseline", guess ? show(frame, scores.window[guess][key]) : "–", text("baselines_window", window), others),
    card("learned", count(learned), text("learned"), pace.join(" · ")),
  ];
}

function card(id, value, name, more) {
  const box = element("div", undefined, { className: "number", id: `card-${id}` });
  box.append(element("span", name, { className: "name" }), element("b", value), element("span", more, { className: "more" }));
  return box;
}
