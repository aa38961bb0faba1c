// Pictures of lines: parts of SVG, and the curve of a score beside its baselines.

const [HEIGHT, TOP, RIGHT, BOTTOM, NARROWEST] = [150, 8, 8, 22, 260];
const LETTER = 7.6; // how wide a digit is

/** A part of a picture. */
export function draw(tag, attributes, content) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (content !== undefined) made.textContent = content;
  return made;
}

/** The curve of a score: points [n, of the model, of each baseline]; `shown` writes a value, `count` a number of rows. */
export function curve(points, width, label, { shown, count }) {
  const wide = Math.max(width, NARROWEST);
  const values = points.flatMap(([, ...all]) => all).filter(Number.isFinite);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const ticks = most > least ? [[most, 10], [least, 0]] : [[most, 10]];
  const left = 12 + LETTER * Math.max(...ticks.map(([y]) => shown(y).length));
  const [first, last] = [points[0][0], points.at(-1)[0]];
  const at = (n, y) => [left + ((n - first) / (last - first || 1)) * (wide - left - RIGHT), TOP + ((most - y) / (most - least || 1)) * (HEIGHT - TOP - BOTTOM)];
  const svg = draw("svg", { viewBox: `0 0 ${wide} ${HEIGHT}`, role: "img", class: "chart", "aria-label": label });
  for (let j = points[0].length - 1; j > 0; j--) {
    const known = points.filter((point) => Number.isFinite(point[j]));
    svg.append(draw("polyline", { class: `curve curve-${j - 1}`, points: known.map((point) => at(point[0], point[j]).map((place) => place.toFixed(1)).join(",")).join(" ") }));
  }
  for (const [y, dy] of ticks) svg.append(draw("text", { x: left - 6, y: at(first, y)[1] + dy, class: "tick end" }, shown(y)));
  svg.append(draw("text", { x: left, y: HEIGHT - 5, class: "tick" }, count(first)), draw("text", { x: wide - RIGHT, y: HEIGHT - 5, class: "tick end" }, count(last)));
  return svg;
}

/** A line as the curve draws it, for its legend. */
export function lineOf(j) {
  const svg = draw("svg", { viewBox: "0 0 26 8", class: "swatch", "aria-hidden": "true" });
  svg.append(draw("polyline", { class: `curve curve-${j}`, points: "0,4 26,4" }));
  return svg;
}
