// The verdict on the model on show, in lines: lately large, since the start below it. Its words are those of ../words/verdict.mjs.
import { best, figure, linesOf, none, share, stateOf, worstOf } from "../words/verdict.mjs";
import { byId, element } from "../shared/dom.js";
import { current, has, text } from "../shared/language.js";

export { figure };

const SHARES = ["accuracy", "balanced_accuracy", "alarms"];

// A metric as a card or a table shows it.
export const show = (metric, value) => (value == null ? "–" : SHARES.includes(metric) ? text("percent", { n: share(value) }) : figure(value));
export const metricName = (metric) => (has(`metric_${metric}`) ? text(`metric_${metric}`) : metric.replaceAll("_", " "));

export const comparisonsOf = (learner) => learner.scores.comparisons.filter(({ overall }) => overall.n && overall.model != null);

// The recent span of a comparison, or all of it while the window holds everything.
export const lately = (one) => (one.recent.n && one.recent.model != null ? one.recent : one.overall);
// The 95 % interval of the primary metric over that span, of a score that is an estimate.
export const intervalOf = ({ window, interval }, one) => (lately(one) === one.recent ? window.interval : interval);
export const bestOf = (one) => best(one, lately(one));
export const isAhead = (one) => stateOf(one, lately(one)) === "ahead";

export function showVerdict(learner) {
  const lines = linesOf(learner.scores.comparisons, current()), place = byId("verdict"), said = JSON.stringify([current(), lines]);
  if (place.dataset.said === said) return;
  place.dataset.said = said;
  place.dataset.state = worstOf(lines) || "none";
  place.replaceChildren(...(lines.length ? lines.flatMap(paragraphs) : [element("p", none(current()), { className: "line" })]));
}

function paragraphs({ recent, overall, state, output }) {
  const first = element("p", undefined, { className: "line" });
  first.dataset.state = state || "none";
  if (output) first.append(element("bdi", output), " · ");
  first.append(recent || overall);
  return recent ? [first, element("p", overall, { className: "text" })] : [first];
}
