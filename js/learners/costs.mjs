// Choose the class whose mistakes are expected to cost least: argmin over c of Σₖ p(k)·cost(k, c), of equal ones the first seen.

import { checkNumber } from "../declare/number.mjs";
import { ConfigError, DataError, shown } from "../errors.mjs";

/** Return what chooses a class by the probabilities of a row. What `costs` does not name costs 1 where the classes differ, else 0. */
export function cheapest({ known, sums }, costs) {
  if (!sums) throw new ConfigError({ expected: "a loss with probabilities", got: "hinge", at: "costs", help: "Give e.g. cross_entropy." });
  const table = known.map((_, k) => known.map((_, c) => +(k !== c)));
  byClass(known, costs, "costs", (given, k, at) => {
    if (given instanceof Object) byClass(known, given, at, (cost, c, place) => (table[k][c] = costOf(cost, place)));
    else table[k] = table[k].map((differs) => differs * costOf(given, at));
  });
  return (shares) => {
    const expected = known.map((_, c) => shares.reduce((sum, share, k) => sum + share * table[k][c], 0));
    return known[expected.indexOf(Math.min(...expected))];
  };
}

/** Hand on what is given by class. A class that is still to come may be named, unless all are. */
function byClass(known, given, at, take) {
  const costs = given instanceof Map ? Object.fromEntries(given) : given;
  const own = known.map((label) => Object.hasOwn(costs, label));
  if (!(costs instanceof Object) || (Object.keys(costs).length && known.length > 1 && !own.includes(true))) {
    throw new DataError({ expected: `costs of ${shown(known.slice(0, 12))}`, got: shown(costs), at, help: "Give e.g. {ok: 5}." });
  }
  known.forEach((label, i) => own[i] && take(costs[label], i, `${at}.${label}`));
}

const costOf = (cost, at) => checkNumber(cost < Infinity ? cost : NaN, at, 0);
