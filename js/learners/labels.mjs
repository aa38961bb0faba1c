// Labels of classes: what can be one, and when two are the same.

/** Return what a class is looked up by: as in Python, 1, 1n and true are the same one. */
export function keyOf(label) {
  if (typeof label === "string") return label;
  if (label instanceof Uint8Array) return `\0bytes ${label}`;
  if (Array.isArray(label)) return `\0tuple ${label.map((part) => `${typeof part} ${keyOf(part)}`).join("\0")}`;
  const number = Number(label);
  return typeof label === "bigint" && !Number.isSafeInteger(number) ? `\0int ${label}` : number;
}

/** Say whether a value can be a class: a text, a number, true or false; bytes, or an array of such (in Python a tuple). */
export function isLabel(label) {
  switch (typeof label) {
    case "string":
    case "boolean":
    case "bigint":
      return true;
    case "number":
      return label === label;
    default:
      return label instanceof Uint8Array || (Array.isArray(label) && label.every((part) => part === null || isLabel(part)));
  }
}
