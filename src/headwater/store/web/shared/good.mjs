// How good the model is: what its file says of the time before this page, and what is counted here.

import { curve, lineOf } from "./chart.mjs";
import { brief, byId, element } from "./form.mjs";
import { language, shownCount, shownNumber, shownShare, text } from "./texts.mjs";
import { baselineName, linesOf, worstOf } from "./verdict.mjs";

const PERCENT = ["share", "alarms"];
const FEWEST = 3; // points that make a curve

/** Write the lines of a verdict, one an output: lately large, since the start below it. Returns whether there is any. */
export function showLines(place, comparisons) {
  const lines = linesOf(comparisons, language());
  place.dataset.state = worstOf(lines);
  place.replaceChildren(...lines.map(({ recent, overall, state, output }) => {
    const line = element("span", undefined, { className: "line" });
    line.dataset.state = state;
    if (output) line.append(element("bdi", brief(output)), " · ");
    line.append(recent || overall);
    if (recent) line.append(" ", element("span", overall, { className: "overall" }));
    return line;
  }));
  return lines.length > 0;
}

/** Show what a file notes of its score before this page, undefined if it notes none; `learns`: whether this page counts too. */
export function showBefore(noted, learns) {
  const { learned, comparisons, curve: drawn } = numbersIn(noted ?? { comparisons: [] });
  const known = showLines(byId("before"), comparisons);
  byId("before-note").textContent = known ? text("before_note", { n: shownCount(learned) }) : text(learns ? "before_none" : "before_unknown");
  byId("before-curve").replaceChildren();
  if (known && drawn.points.length >= FEWEST) showCurve(byId("before-curve"), drawn, comparisons);
}

/** What the curve is of: the output that alone has such a score, or all that have. */
function shownOutputs([{ phrase, output }, ...others]) {
  if (!output) return "";
  const alone = others.every((other) => other.phrase !== phrase);
  return ` · ${alone ? brief(output) : text(PERCENT.includes(phrase) ? "all_classes" : "all_numbers")}`;
}

function showCurve(place, { names, points }, comparisons) {
  const [{ phrase }] = comparisons;
  const shown = (y) => (PERCENT.includes(phrase) ? shownShare(y) : shownNumber(y, 3));
  const label = text("before_curve") + shownOutputs(comparisons);
  const legend = element("p", undefined, { className: "soft legend" });
  legend.append(element("span", text("of_what", { what: label })));
  names.forEach((name, j) => {
    const one = element("span", undefined, { className: "of-line" });
    one.append(lineOf(j), j ? baselineName(name, language()) : text("before_model"));
    legend.append(one);
  });
  place.append(curve(points, place.clientWidth, label, { shown, count: shownCount }), legend);
}

/** Values of a file's notes with numbers as JavaScript has them: a file keeps all digits of those that are not whole. */
function numbersIn(value) {
  if (Array.isArray(value)) return value.map(numbersIn);
  if (value === null || typeof value !== "object") return value;
  const names = Object.keys(value);
  if (names.length === 1 && names[0] === "text") return Number(value.text);
  return Object.fromEntries(names.map((name) => [name, numbersIn(value[name])]));
}

/** The row that a file notes as seen, as pairs; undefined if it notes none. */
export const seenSample = (noted) => noted && Object.entries(numbersIn(noted)).map(([name, value]) => [name, typeof value === "number" ? Number(value.toPrecision(6)) : value]);
