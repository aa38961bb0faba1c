// Paints the playground's frame: units, edges and the plane at each frame of the screen; words, numbers and the curve a few times a second.
import { byId, element } from "../../shared/dom.js";
import { text } from "../../shared/language.js";
import { BOX } from "../settings.js";
import { state, view } from "../state.js";
import { curve } from "./curve.js";
import * as draw from "./draw.js";
import { edges } from "./edges.js";
import { findLinks } from "./net.js";
import { scores } from "./scores.js";
import { figure, show as showSteps } from "./steps.js";
import { showWeight } from "./weight.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");
const WORDS_MS = 150; // between two looks at words and numbers

let worded = 0;
export function paint(now) {
  if (!state.frame) return;
  byId("play-n").textContent = state.frame.n.toLocaleString();
  paintUnits();
  findLinks();
  edges(byId("play-net").querySelector(".edges"), state.links, { flow: state.running && !still.matches ? 1 + (now / 40) % 12 : 0, held: state.weight });
  paintSurface();
  if (state.running && now - worded < WORDS_MS) return;
  worded = now;
  paintWords();
}

function paintUnits() {
  const { surface, units } = state.frame;
  for (const unit of byId("play-net").querySelectorAll(".unit")) {
    const [l, j] = unit.dataset.name.split(":"), map = l === "f" ? state.choices.features[j] : units[l]?.[j];
    if (!map && surface.length > 1) draw.share(unit.firstChild, surface[j], Number(j));
    else draw.map(unit.firstChild, [map ?? surface[0]]);
  }
}

function paintWords() {
  const { frame } = state;
  byId("play-updates").textContent = text("updates", { n: frame.updates.toLocaleString() });
  for (const unit of byId("play-net").querySelectorAll(".unit:not([data-name^='f:'])")) {
    const [l, j] = unit.dataset.name.split(":").map(Number), bias = frame.layers[l].b[j] ?? 0;
    unit.classList.toggle("chosen", l === Math.min(state.selected[0], frame.layers.length - 1) && j === state.selected[1]);
    unit.style.setProperty("--bias", draw.shade(Math.max(-1, Math.min(1, bias))));
    unit.title = `${unit.getAttribute("aria-label")} · ${text("bias")} ${figure(bias)}`;
  }
  curve(byId("play-curve"), state.curve, state.fits, state.marks, { words: { waiting: text("waiting"), rows: text("rows") } });
  showWeight();
  scores(frame);
  axes(frame);
  legend(frame);
  byId("play-curve").setAttribute("aria-label", `${text("losscurve")}: ${[...byId("play-scores").rows].map((row) => row.textContent.trim()).join("; ")}`);
  showSteps(byId("play-steps"), view());
}

function paintSurface() {
  const { frame, training } = state, shown = state.over?.();
  if (shown) draw.map(byId("play-surface"), shown.maps);
  else draw.surface(byId("play-surface"), frame.surface);
  byId("play-shown").textContent = shown ? text("showing", { name: shown.name }) : "";
  const test = byId("play-test").checked ? frame.test : [];
  draw.points(byId("play-points"), training ?? state.points, { classes: frame.classes.length, test, fading: !training, radius: training?.length <= 50 ? 5 : 3.2, last: state.steps && !state.running ? state.steps.x : null });
}

const short = (v) => Number(v.toPrecision(3)).toLocaleString();

function axes({ table, classes }) {
  const low = table ? table.low : [-BOX, -BOX], high = table ? table.high : [BOX, BOX];
  byId("play-low").textContent = short(low[0]);
  byId("play-high").textContent = short(high[0]);
  byId("play-axis").textContent = table ? `${table.chosen[0]} →  ·  ↑ ${table.chosen[1]}` : "x₁ →  ·  ↑ x₂";
  byId("play-points").setAttribute("aria-label", `${text("outputs")}: ${classes.join(", ")}`);
}

let shown = "";
function legend({ classes, table, angle }) {
  const degrees = Math.round((angle * 180) / Math.PI) % 360;
  const wanted = JSON.stringify([classes, table?.answers, degrees, document.documentElement.lang, document.documentElement.dataset.theme]);
  if (wanted === shown) return;
  shown = wanted;
  const parts = classes.map((name) => { const part = element("span"); part.append(element("canvas", undefined, { className: "mark" }), name); return part; });
  if (!classes.length) {
    const [low, high] = table ? table.answers : [-1, 1];
    parts.push(element("span", short(low)), element("i"), element("span", short(high)));
    parts[1].style.background = `linear-gradient(90deg, ${[-1, -0.5, 0, 0.5, 1].map(draw.shade).join()})`;
  }
  if (degrees) parts.push(element("span", `${text("turned")} ${degrees}°`, { className: "angle" }));
  byId("play-legend").replaceChildren(...parts);
  byId("play-legend").querySelectorAll(".mark").forEach((canvas, k) => draw.legendMark(canvas, k));
}
