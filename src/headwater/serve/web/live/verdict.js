// One line that says whether the model is worth having: its score beside that of the better simple baseline.
import { text } from "../shared/language.js";
import { baselineNames, inShares, isAgent, isBandit, isDetector, isOther, isOutputs, scoreName } from "./state.js";

const largerIsBetter = (frame) => (isOther(frame) ? frame.about.more_is_better : inShares(frame) || isBandit(frame));
const percent = (value, digits) => `${(100 * value).toFixed(digits)} %`;
const digits = { minimumSignificantDigits: 4, maximumSignificantDigits: 4 };
export const figure = (value) => (value == null ? "–" : Math.abs(value) < 1e-4 ? value.toPrecision(4) : value.toLocaleString("en-US", digits));
export const show = (frame, value) => (value == null ? "–" : inShares(frame) ? percent(value, 1) : isDetector(frame) ? percent(value, 2) : figure(value));

export const plain = (name) => name.replaceAll("_", " ");

// The better baseline of a report of scores, by name; null before anything was scored.
export function best(frame, scores) {
  const key = scoreName(frame), names = baselineNames(frame).filter((name) => scores[name]?.[key] != null);
  if (!names.length || scores.model?.[key] == null) return null;
  const sign = largerIsBetter(frame) ? -1 : 1;
  return names.sort((a, b) => sign * (scores[a][key] - scores[b][key]))[0];
}

// {state, model, guess}: two figures with as many digits as it takes to tell them apart; null before anything was scored.
export function compare(frame, scores) {
  const name = best(frame, scores), key = scoreName(frame);
  if (!name) return null;
  const [model, guess] = [scores.model[key], scores[name][key]];
  const better = largerIsBetter(frame) ? model - guess : guess - model;
  const state = better > 0 ? "ahead" : better < 0 ? "behind" : "even";
  if (!inShares(frame)) return { name, state, model: figure(model), guess: figure(guess) };
  const digits = [0, 1, 2].find((n) => model === guess || percent(model, n) !== percent(guess, n)) ?? 2;
  return { name, state, model: percent(model, digits), guess: percent(guess, digits) };
}

export function verdict(frame, scores) {
  if (isDetector(frame) && scores.n) return text("verdict_anomaly", { alarms: scores.alarms.toLocaleString(), n: scores.n.toLocaleString(), share: percent(scores.alarms / scores.n, 2) });
  if (isAgent(frame) && scores.episodes) return text("verdict_control", { model: figure(scores.window.model.return), n: scores.episodes.toLocaleString() });
  const found = compare(frame, scores);
  if (isOther(frame) && found) return text("verdict_other", { ...found, score: plain(scoreName(frame)), state: text(found.state) });
  const kind = isOutputs(frame) ? (inShares(frame) ? "classify" : "regress") : frame.task;
  return found ? text(`verdict_${kind}`, { ...found, state: text(found.state) }) : text("verdict_none");
}
