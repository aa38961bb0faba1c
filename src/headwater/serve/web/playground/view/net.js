// The net on the page: columns of inputs, units and outputs, with the buttons that change its shape.
import { byId, element } from "../../shared/dom.js";
import { text } from "../../shared/language.js";
import { change, draw as repaint, showStatus } from "../run.js";
import { DEPTH, FEATURES, UNITS } from "../settings.js";
import { settings, state } from "../state.js";
import * as draw from "./draw.js";

// Build the columns again if the net's shape or the language has changed; return whether it has.
let shape = "";
export function build() {
  const outputs = state.frame.surface.length;
  const { features, hidden: sizes } = state.netSettings;
  const wanted = JSON.stringify([features, sizes, state.frame.classes, outputs, document.documentElement.lang]);
  if (wanted === shape && byId("play-net").firstChild) return false;
  shape = wanted;
  const focused = document.activeElement?.closest("#play-net button")?.dataset.name;
  const columns = [inputs(), ...sizes.map(hidden), output(outputs)];
  byId("play-net").replaceChildren(element("canvas", undefined, { className: "edges" }), ...columns);
  if (focused) byId("play-net").querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
  byId("play-depth").textContent = sizes.length;
  byId("play-more").disabled = sizes.length >= DEPTH;
  byId("play-less").disabled = sizes.length === 0;
  measure();
  return true;
}

function cell(label, name, onclick, canvas = element("canvas")) {
  const button = element("button", undefined, { type: "button", className: "unit", onclick });
  button.setAttribute("aria-label", label);
  button.dataset.name = name;
  button.append(canvas);
  return button;
}

function column(className, ...parts) {
  const made = element("div", undefined, { className: `column ${className}` });
  made.append(...parts);
  return made;
}

function inputs() {
  return column("inputs", element("span", text("features"), { className: "head" }), ...Object.keys(FEATURES).map((name) => {
    const on = state.netSettings.features.includes(name), row = element("div", undefined, { className: `feature ${on ? "" : "out"}` });
    const button = cell(FEATURES[name], `f:${name}`, () => {
      const features = Object.keys(FEATURES).filter((other) => (other === name) !== settings.features.includes(other));
      if (features.length) change({ features }); else showStatus(text("inputsfew"));
    });
    button.setAttribute("aria-pressed", String(on));
    row.append(element("span", FEATURES[name]), button);
    hover(button, () => ({ maps: [state.choices.features[name]], name: FEATURES[name] }));
    return row;
  }));
}

function hidden(units, l) {
  const resize = (by) => change({ hidden: settings.hidden.map((n, i) => (i === l ? Math.max(1, Math.min(UNITS, n + by)) : n)) });
  const more = element("button", "+", { type: "button", title: text("addunit"), disabled: units >= UNITS, onclick: () => resize(1) });
  const less = element("button", "−", { type: "button", title: text("removeunit"), disabled: units <= 1, onclick: () => resize(-1) });
  for (const [button, sign] of [[more, "more"], [less, "less"]]) {
    button.setAttribute("aria-label", `${button.title}: ${text("layern", { n: l + 1 })}`);
    button.dataset.name = `${sign}:${l}`;
  }
  const head = element("span", undefined, { className: "head" });
  head.append(less, element("b", units), more);
  return column("hidden", head, ...Array.from({ length: units }, (_, j) => {
    const name = `${text("layern", { n: l + 1 })}, ${text("unitn", { n: j + 1 })}`;
    const button = cell(name, `${l}:${j}`, () => select(l, j));
    hover(button, () => ({ maps: [state.frame.units[l][j]], name }));
    return button;
  }));
}

function output(count) {
  const l = state.netSettings.hidden.length;
  return column("outputs", element("span", text("output"), { className: "head" }), ...Array.from({ length: count }, (_, j) => {
    const name = count > 1 ? `p(${state.frame.classes[j] ?? j})` : text("output");
    const button = cell(name, `${l}:${j}`, () => select(l, j));
    if (count > 1) button.style.setProperty("--ring", draw.colour(j));
    return button;
  }));
}

function select(l, j) { state.selected = [l, j]; repaint(); }

function hover(button, what) {
  button.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") { state.over = what; repaint(); } });
  button.addEventListener("pointerleave", () => { state.over = null; repaint(); });
  button.addEventListener("focus", () => { if (button.matches(":focus-visible")) { state.over = what; repaint(); } });
  button.addEventListener("blur", () => { state.over = null; repaint(); });
}

// Units as large as the width allows.
export function measure() {
  const net = byId("play-net"), columns = state.netSettings.hidden.length + 2;
  const room = net.clientWidth - 46;
  net.style.setProperty("--unit", `${Math.max(18, Math.min(44, Math.floor(room / (columns * 1.45))))}px`);
  draw.forgetSizes(net.querySelector(".edges"));
  place();
}

// Where edges end: looked up once for each layout, since asking makes the browser lay out the page.
function place() {
  const net = byId("play-net"), base = net.getBoundingClientRect(), columns = [...net.querySelectorAll(".column")];
  const ends = columns.map((made) => [...made.querySelectorAll(".unit")].map((unit) => {
    const box = unit.getBoundingClientRect(), y = box.top + box.height / 2 - base.top;
    return { name: unit.dataset.name, left: [box.left - base.left, y], right: [box.right - base.left, y] };
  }));
  ends[0] = state.netSettings.features.map((name) => ends[0].find((end) => end.name === `f:${name}`));
  state.ends = ends;
}

/** The edges as they are now, with their weights. */
export function findLinks() {
  const { ends, frame } = state;
  state.links = frame.layers.flatMap(({ w, n, m }, l) => Array.from({ length: n * m }, (_, at) => {
    const i = Math.floor(at / m), j = at % m;
    return { from: ends[l][i].right, to: ends[l + 1][j].left, w: Number.isFinite(w[at]) ? w[at] : 0, l, i, j };
  }));
}
