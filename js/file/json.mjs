// JSON as Python's json reads it: numbers keep every digit and their form. save.mjs writes it.

/** A number as it was written, where JavaScript's own would lose digits or its form. */
export class Raw {
  constructor(text) {
    this.text = text;
  }
}

const NUMERAL = "-?(?:Infinity|(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)|NaN";
const TOKEN = new RegExp(`"[^"\\\\]*(?:\\\\[^][^"\\\\]*)*"|${NUMERAL}`, "g");
const WHOLE_NUMERAL = new RegExp(`^(?:${NUMERAL})$`);
const EXACT = /^(?:0|-?[1-9]\d{0,14})$/;
const MARK = "\0raw";

/** Read JSON; a number that is no whole one of at most 15 digits becomes `Raw`. */
export function parsed(text) {
  const marked = text.replace(TOKEN, (token) =>
    token[0] === '"' || EXACT.test(token) ? token : `{"\\u0000raw":"${token}"}`,
  );
  return JSON.parse(marked, (_, value) => {
    const own = value !== null && typeof value === "object" && Object.hasOwn(value, MARK) ? value[MARK] : undefined;
    return typeof own === "string" && WHOLE_NUMERAL.test(own) ? new Raw(own) : value;
  });
}

/** Read what `hex` (save.mjs) has written. */
export function unhex(text) {
  const found = /^(-?)0x([01])\.([0-9a-f]{1,13})p([+-]\d{1,4})$/.exec(text);
  if (!found) {
    const special = { inf: Infinity, "-inf": -Infinity, nan: NaN };
    if (Object.hasOwn(special, text)) return special[text];
    throw new TypeError(`${text} is no float`);
  }
  const [, sign, whole, digits, power] = found;
  const mantissa = Number(whole) + parseInt(digits.padEnd(13, "0"), 16) / 2 ** 52;
  // in two steps, so that the smallest numbers are not lost on the way
  const half = Math.trunc(Number(power) / 2);
  return (sign ? -1 : 1) * mantissa * 2 ** half * 2 ** (Number(power) - half);
}
