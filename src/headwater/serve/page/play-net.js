// The net on the page: columns of inputs, units and outputs, with the buttons that change its shape.
import { say } from "/page/words.js";
import * as draw from "/page/play-draw.js";
import { paint, paintSurface } from "/page/play-paint.js";
import { change, tell } from "/page/play-run.js";
import { by, FEATURES, settings, state } from "/page/play-state.js";
import { node } from "/page/play-steps.js";

// Make the columns anew if the net's shape is another, or the language; say whether it was.
let shape = "";
export function build() {
  const outputs = Math.max(state.surface.length, 1);
  const { features, hidden: sizes } = state.made;
  const wanted = JSON.stringify([features, sizes, state.frame.classes, outputs, document.documentElement.lang]);
  if (wanted === shape && by("play-net").firstChild) return false;
  shape = wanted;
  const columns = [inputs(), ...sizes.map(hidden), output(outputs)];
  by("play-net").replaceChildren(node("canvas", undefined, { className: "edges" }), ...columns);
  by("play-depth").textContent = sizes.length;
  by("play-more").disabled = sizes.length >= 6;
  by("play-less").disabled = sizes.length === 0;
  measure();
  return true;
}

function cell(label, name, does, canvas = node("canvas")) {
  const button = node("button", undefined, { type: "button", className: "unit", onclick: does });
  button.setAttribute("aria-label", label);
  button.dataset.name = name;
  button.append(canvas);
  return button;
}

function column(className, ...parts) {
  const made = node("div", undefined, { className: `column ${className}` });
  made.append(...parts);
  return made;
}

function inputs() {
  return column("inputs", node("span", say("features"), { className: "head" }), ...Object.keys(state.choices.features).map((name) => {
    const on = state.made.features.includes(name), row = node("div", undefined, { className: `feature ${on ? "" : "out"}` });
    const button = cell(FEATURES[name], `f:${name}`, () => {
      const features = Object.keys(FEATURES).filter((other) => (other === name) !== settings.features.includes(other));
      if (features.length) change({ features }); else tell(say("inputsfew"));
    });
    button.setAttribute("aria-pressed", String(on));
    row.append(node("span", FEATURES[name]), button);
    hover(button, () => ({ maps: [draw.bytes(state.choices.features[name])], name: FEATURES[name] }));
    return row;
  }));
}

function hidden(units, l) {
  const resize = (by_) => change({ hidden: settings.hidden.map((n, i) => (i === l ? Math.max(1, Math.min(8, n + by_)) : n)) });
  const more = node("button", "+", { type: "button", title: say("addunit"), disabled: units >= 8, onclick: () => resize(1) });
  const less = node("button", "−", { type: "button", title: say("removeunit"), disabled: units <= 1, onclick: () => resize(-1) });
  for (const button of [more, less]) button.setAttribute("aria-label", `${button.title}: ${say("layern").replace("{n}", l + 1)}`);
  const head = node("span", undefined, { className: "head" });
  head.append(less, node("b", units), more);
  return column("hidden", head, ...Array.from({ length: units }, (_, j) => {
    const name = `${say("layern").replace("{n}", l + 1)}, ${say("unitn").replace("{n}", j + 1)}`;
    const button = cell(name, `${l}:${j}`, () => select(l, j));
    hover(button, () => ({ maps: [state.maps[l][j]], name }));
    return button;
  }));
}

function output(count) {
  const l = state.made.hidden.length;
  return column("outputs", node("span", say("output"), { className: "head" }), ...Array.from({ length: count }, (_, j) => {
    const name = count > 1 ? `p(${state.frame.classes[j] ?? j})` : say("output");
    const button = cell(name, `${l}:${j}`, () => select(l, j));
    if (count > 1) button.style.setProperty("--ring", draw.colour(j));
    return button;
  }));
}

function select(l, j) { state.selected = [l, j]; paint(); }

function hover(button, what) {
  button.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") { state.over = what; paintSurface(); } });
  button.addEventListener("pointerleave", () => { state.over = null; paintSurface(); });
}

// Units as large as the width allows.
export function measure() {
  const net = by("play-net"), columns = state.made.hidden.length + 2;
  const room = net.clientWidth - 46;
  net.style.setProperty("--unit", `${Math.max(18, Math.min(44, Math.floor(room / (columns * 1.45))))}px`);
  place();
}

// Where edges end: looked up once for a layout, since the browser has to lay out the page to say it.
function place() {
  const net = by("play-net"), base = net.getBoundingClientRect(), columns = [...net.querySelectorAll(".column")];
  const ends = columns.map((made) => [...made.querySelectorAll(".unit")].map((unit) => {
    const box = unit.getBoundingClientRect(), y = box.top + box.height / 2 - base.top;
    return { name: unit.dataset.name, left: [box.left - base.left, y], right: [box.right - base.left, y] };
  }));
  ends[0] = state.made.features.map((name) => ends[0].find((end) => end.name === `f:${name}`));
  state.ends = ends;
}
