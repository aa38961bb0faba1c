// The check of a declared number.

import { ConfigError, shown } from "../errors.mjs";

/** Return a number; refuse what is none, or one below the lowest. */
export function checkNumber(x, at, low = -Infinity) {
  if (typeof x === "number" && x >= low) return x;
  const expected = low === 0 ? "0 or more" : "a number";
  throw new ConfigError({ expected, got: shown(x), at, help: low === 0 ? "Give 0 for none." : "Give e.g. 0.1." });
}
