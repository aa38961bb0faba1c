// The verdict on a model, in the same words as src/headwater/route/verdict. Here for browsers: the live page, a cluster's, an exported one.
import { PHRASES } from "./phrases.mjs";

const [LARGEST, SMALLEST] = [1e15, 1e-6]; // numbers beyond are written with a power of ten
const MOST = 12; // outputs with a line of their own, those behind their baseline first
const PERCENT = ["share", "alarms"];
const POWERS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

const known = (value) => typeof value === "number" && Number.isFinite(value);
const filled = (phrase, values) => phrase.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
const thousands = (text) => text.replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));

/** A number with a few significant digits and commas between thousands. */
export function figure(value, digits = 4) {
  if (!known(value)) return "–";
  const number = Number(value.toPrecision(digits));
  if (number && !(Math.abs(number) >= SMALLEST && Math.abs(number) < LARGEST)) {
    const [factor, power] = number.toExponential().split("e");
    return `${factor} × 10${[...power.replace("+", "")].map((digit) => POWERS[digit]).join("")}`;
  }
  return thousands(String(number + 0));
}

/** A share in percent, without the sign. */
export const share = (value, decimals = 1) => (100 * value).toFixed(decimals);

/** The singular of a phrase that has one, "row|rows", or its plural. */
const ofCount = (phrase, n) => (n === 1 ? phrase.split("|")[0] : phrase.split("|").at(-1));

function tellApart(a, b, percent) {
  const form = percent ? share : figure;
  const pairs = (percent ? [0, 1, 2, 3] : [3, 4, 5, 6]).map((digits) => [form(a, digits), form(b, digits)]);
  if (a === b) return (percent && pairs.find(([own]) => Number(own) || !a)) || pairs.at(percent ? -1 : 0);
  return pairs.find(([own, other]) => own !== other) ?? pairs.at(-1);
}

/** The name of the best known baseline, the first of equals; "" if there is none. */
export function best(one, span) {
  const names = Object.keys(span.guesses).filter((name) => known(span.guesses[name]));
  if (!names.length || !known(span.model)) return "";
  const sign = one.more_is_better === false ? -1 : 1;
  return names.reduce((first, name) => (sign * span.guesses[name] > sign * span.guesses[first] ? name : first));
}

export function stateOf(one, span) {
  const name = best(one, span);
  if (!name || one.more_is_better === null) return "";
  const gain = (span.model - span.guesses[name]) * (one.more_is_better ? 1 : -1);
  return gain > 0 ? "ahead" : gain < 0 ? "behind" : "even";
}

/** The name of a baseline, or of another thing that has no phrase, in words. */
export const baselineName = (name, language) => PHRASES[language][`baseline ${name}`] ?? name;

function saidOf(one, span, which, words) {
  const name = best(one, span), percent = PERCENT.includes(one.phrase), state = stateOf(one, span);
  const [model, guess] = tellApart(span.model, name ? span.guesses[name] : span.model, percent).map((n) => (percent ? filled(words.percent, { n }) : n));
  const form = words[!name ? "alone" : state ? "compared" : "expected"];
  const count = Math.floor(span.model * span.n + 0.5);
  const said = filled(ofCount(words[one.phrase], count), { model, metric: one.metric.replaceAll("_", " "), count: thousands(String(count)) });
  const whole = filled(form, { said, guess, state: words[state] ?? "", baseline: words[`baseline ${name}`] ?? name });
  return filled(words[which], { n: thousands(String(span.n)), unit: ofCount(words[`unit ${one.unit}`], span.n), said: whole });
}

function lineOf(one, words) {
  const partly = one.recent.n > 0 && one.recent.n < one.overall.n && known(one.recent.model);
  const recent = partly ? saidOf(one, one.recent, "recent", words) : "";
  return { recent, overall: saidOf(one, one.overall, "overall", words), state: stateOf(one, partly ? one.recent : one.overall), output: one.output ?? "" };
}

/** The lines of the verdict, {recent, overall, state, output}: one for each output, those behind first. */
export function linesOf(comparisons, language) {
  const words = PHRASES[language];
  const lines = comparisons.filter((one) => one.overall.n && known(one.overall.model)).map((one) => lineOf(one, words));
  if (lines.length <= MOST) return lines;
  const behind = ({ state }) => state === "behind";
  const sorted = [...lines.filter(behind), ...lines.filter((line) => !behind(line))], rest = sorted.slice(MOST);
  const n = thousands(String(rest.length)), more = thousands(String(rest.filter(behind).length));
  return [...sorted.slice(0, MOST), { recent: "", overall: filled(words.more, { n, behind: more }), state: "", output: "" }];
}

/** "behind" if any line is, else "ahead" if one is, else "even"; "" where nothing is compared. */
export const worstOf = (lines) => ["behind", "ahead", "even"].find((state) => lines.some((line) => line.state === state)) ?? "";

export const none = (language) => PHRASES[language].none;
