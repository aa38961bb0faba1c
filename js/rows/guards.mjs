// Answers and weights that cannot be learned are refused, counted by reason, and nothing learned is lost.

import { DataError, kindOf } from "../errors.mjs";
import { floatOf, isMany } from "./values.mjs";

/** A weight beyond this is none. */
const HEAVIEST = 1e15;

/** Count a refusal. */
export function refuse(refused, reason) {
  refused[reason] = (refused[reason] ?? 0) + 1;
}

/** Return a number as float, NaN for what is none; a text is none, whatever it reads as. */
export function numberOf(value) {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return typeof value === "bigint" ? floatOf(value) : NaN;
}

/** Return a weight, or −1 for what can't be one. */
export function weightOf(w) {
  const weight = numberOf(w ?? 1);
  return weight >= 0 && weight <= HEAVIEST ? weight : -1;
}

/** Return answers, or weights, of n rows as {at(i)}. */
export function answersOf(y, n, at = "y") {
  if (!isMany(y)) {
    const help = "For one sample use learnOne.";
    throw new DataError({ expected: "an array of answers", got: kindOf(y), at, help });
  }
  if (y.length === n) return y;
  const what = at === "y" ? "answers" : "weights";
  throw new DataError({ expected: `as many ${what} as rows (${n})`, got: String(y.length), at, help: "Give one for each." });
}

/** Return the weight of each row: one for all, one each, or none given. */
export function weightsOf(w, n) {
  if (w === undefined || w === null || typeof w === "number") return () => w;
  const weights = answersOf(w, n, "w");
  return (i) => weights[i];
}

/** Return counts by reason, those that are not 0, in the order of their names. */
export function counted(...parts) {
  const sum = {};
  for (const counts of parts) {
    for (const [reason, count] of Object.entries(counts)) sum[reason] = (sum[reason] ?? 0) + count;
  }
  return Object.fromEntries(Object.entries(sum).filter(([, count]) => count).sort(([a], [b]) => (a < b ? -1 : 1)));
}
