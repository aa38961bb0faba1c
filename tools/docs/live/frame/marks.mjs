// SVG and HTML as text.

const SPECIAL = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export function escaped(text) {
  return String(text).replace(/[&<>"]/g, (letter) => SPECIAL[letter]);
}

/** An element of SVG; what it holds is text that is escaped already. */
export function svg(name, attributes, inside = "") {
  const own = Object.entries(attributes).map(([key, value]) => ` ${key}="${typeof value === "number" ? round(value) : value}"`);
  return `<${name}${own.join("")}>${inside}</${name}>`;
}

function round(x) {
  return Math.round(100 * x) / 100;
}
