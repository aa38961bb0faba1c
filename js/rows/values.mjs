// What a single value is, by the rules of Python's encode/values.py; rows.mjs writes rows of them for the core.
//
// A number scales its column's row. A text picks its category's row; in a column that began with numbers, a text that reads as
// a number is that number; in a column that began with texts, a number is the category of its text. A Date, or a text that
// states a date-time in a column that began with one, becomes seven numbers. An array becomes numbered columns, an object
// columns with dotted names. null, undefined and NaN are missing. Anything else is missing too, and counted. A row of texts
// alone is read as a row of a file: numbers begin columns of numbers, and NA and its like are missing.

import { DataError, kindOf } from "../errors.mjs";

const SPACE = "[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*";
const DIGITS = "\\d+(?:_\\d+)*";
const FLOAT = new RegExp(`^[+-]?(?:${DIGITS}\\.?(?:${DIGITS})?|\\.${DIGITS})(?:e[+-]?${DIGITS})?$`, "i");
const AROUND = new RegExp(`^${SPACE}|${SPACE}$`, "g");

/** Return the number that a text reads as, or null. */
export function asNumber(text) {
  let plain = text.replace(AROUND, "");
  // digits of any script, as Python's float() takes them
  if (/[^\0-\x7f]/.test(plain)) plain = plain.replace(/\p{Nd}/gu, digitOf);
  if (FLOAT.test(plain)) return Number(plain.replaceAll("_", ""));
  const word = /^([+-]?)(?:inf(?:inity)?|(nan))$/i.exec(plain);
  if (!word) return null;
  return word[2] ? NaN : word[1] === "-" ? -Infinity : Infinity;
}

const MISSING = /^(NA|N\/A|n\/a|#N\/A|<NA>|[nN](ull|one)|NULL|NONE|[+-]?[nN][aA][nN]|)$/;
// Marks of missing numbers; those that begin with a letter are one in a column of numbers only.
const GAP = /^([?*–—.…]|--?-?|\.\.\.?|\(blank\)|\\N|#(DIV\/0!|VALUE!|REF!|NUM!|NAME\?|NULL!)|-?1\.#(QNAN|IND))$/;
const GAP_OF_NUMBERS = /^([xX]|[nN]a|[nN]\.a\.|N\.A\.|n\/d|N\/D|nd|ND|nil|NIL|[uU]nknown|UNKNOWN|[mM]issing|MISSING|NaT|[无無空]|未知|不[详明]|暂无)$/;
const TRUTHS = { true: 1, True: 1, TRUE: 1, false: 0, False: 0, FALSE: 0 };
const truth = (text) => (Object.hasOwn(TRUTHS, text) ? TRUTHS[text] : text);

/** Say whether these are texts alone, as in a row of a file. */
export const isOfTexts = (values) => values.every((value) => typeof value === "string" || value == null);

/** Return what a text begins a column with: a number, a text, or null for a gap; see streams/readers/dtypes/cells.py. */
export function firstCell(text, ofTexts) {
  if (!ofTexts) return /^[+-]?(\p{Nd}+\.\p{Nd}*|\.\p{Nd}+)$|^[+-]\p{Nd}+$/u.test(text) ? asNumber(text) : text;
  const own = text.replace(AROUND, "");
  if (MISSING.test(own) || GAP.test(own)) return null;
  return (/_|^0\p{Nd}{4,}$/u.test(own) ? null : asNumber(own)) ?? truth(own);
}

/** Return what a text of a row of texts is in a column that has begun, with numbers or otherwise. */
export function nextCell(text, number) {
  const own = text.replace(AROUND, "");
  if (MISSING.test(own) || (number && (GAP.test(own) || GAP_OF_NUMBERS.test(own)))) return null;
  return number ? truth(own) : own;
}

/** Return a decimal digit of any script as one of ASCII: those of a script are ten in a row. */
function digitOf(digit) {
  let first = digit.codePointAt(0);
  const own = first;
  while (/\p{Nd}/u.test(String.fromCodePoint(first - 1))) first--;
  return String((own - first) % 10);
}

/** Return the category that a number stands for, as Python writes it. */
export function textOfNumber(x) {
  if (Number.isInteger(x)) return Number.isSafeInteger(x) ? String(x) : String(BigInt(x)); // with all its digits
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  return Math.abs(x) < 1e-4 ? x.toExponential().replace(/e-(\d)$/, "e-0$1") : String(x);
}

/** Return a whole number of any size as float; what is too large for one becomes ±10³⁰⁰, which the core clips and counts. */
export function floatOf(whole) {
  const x = Number(whole);
  return Number.isFinite(x) ? x : x > 0 ? 1e300 : -1e300;
}

/** Say whether an object is a mapping of names to values, and no object of another kind. */
export function isMapping(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  if (value instanceof Map) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** Refuse what is no mapping of names to values. */
export function checkSample(x, i = 0) {
  if (isMapping(x)) return;
  const help = "Give an object such as {size: 1.5}, or a matrix {data, shape} to learnMany.";
  throw new DataError({ expected: "a mapping of names to values", got: kindOf(x), at: `sample ${i}`, help });
}

/** Say whether a value is many: an array, or a typed one. */
export function isMany(value) {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

/** Return an object of the same names as a Map; a name that is a number is written as Python keeps it. */
export function objectOf(map) {
  const own = Object.create(null);
  for (const [name, value] of map) own[typeof name === "string" ? name : nameOfNumber(name)] = value;
  return own;
}

function nameOfNumber(name) {
  const x = typeof name === "boolean" ? Number(name) : name;
  if (typeof x === "bigint" || Number.isInteger(x)) return `\0int ${BigInt(x)}`;
  if (typeof x === "number" && x === x) return `\0float ${textOfNumber(x)}`;
  throw new DataError({ expected: "names of text or numbers", got: kindOf(name), at: "a sample", help: "Use texts." });
}
