// JSON as Python's json reads and writes it: numbers keep every digit and their form, letters beyond ASCII are escaped.

/** A number as it was written, where JavaScript's own would lose digits or its form. */
export class Raw {
  constructor(text) {
    this.text = text;
  }
}

const NUMERAL = "-?(?:Infinity|(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)|NaN";
const TOKEN = new RegExp(`"[^"\\\\]*(?:\\\\[^][^"\\\\]*)*"|${NUMERAL}`, "g");
const WHOLE = new RegExp(`^(?:${NUMERAL})$`);
const EXACT = /^(?:0|-?[1-9]\d{0,14})$/;
const MARK = "\0raw";

/** Read JSON; a number that is no whole one of at most 15 digits becomes `Raw`. */
export function parsed(text) {
  const marked = text.replace(TOKEN, (token) =>
    token[0] === '"' || EXACT.test(token) ? token : `{"\\u0000raw":"${token}"}`,
  );
  return JSON.parse(marked, (_, value) => {
    const own = value !== null && typeof value === "object" && Object.hasOwn(value, MARK) ? value[MARK] : undefined;
    return typeof own === "string" && WHOLE.test(own) ? new Raw(own) : value;
  });
}

/** Write JSON as Python's json.dumps does. */
export function dumped(value) {
  if (value instanceof Raw) return value.text;
  if (typeof value === "string") return quoted(value);
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `[${value.map(dumped).join(", ")}]`;
  if (value === null || value === undefined) return "null";
  return `{${Object.entries(value).map(([name, own]) => `${quoted(name)}: ${dumped(own)}`).join(", ")}}`;
}

function quoted(text) {
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // JSON.stringify escapes what JSON must; what lies beyond ASCII is left
  return JSON.stringify(text).replace(/[^\0-~]/g, escape);
}

/** Return a float as Python's float.hex writes it: no digit is lost. */
export function hex(x) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const power = Number((bits >> 52n) & 0x7ffn);
  const digits = (bits & 0xfffffffffffffn).toString(16).padStart(13, "0");
  const sign = bits >> 63n ? "-" : "";
  if (x === 0) return `${sign}0x0.0p+0`;
  const exponent = power ? power - 1023 : -1022;
  return `${sign}0x${power ? 1 : 0}.${digits}p${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
}

/** Read what `hex` has written. */
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
