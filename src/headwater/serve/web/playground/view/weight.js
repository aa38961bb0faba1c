// A weight to take hold of: click an edge, or choose a unit and one of its weights, and give it another value.
import { byId, element } from "../../shared/dom.js";
import { text } from "../../shared/language.js";
import { FEATURES } from "../settings.js";
import { weigh } from "../run.js";
import { state } from "../state.js";
import { figure } from "./steps.js";

const REACH = 5;

export const HTML = `
  <fieldset class="weight">
    <legend data-text="takehold"></legend>
    <label><span data-text="whichweight"></span><select id="play-which"></select></label>
    <label class="wide"><span><span data-text="itsvalue"></span> <output id="play-weight-text"></output></span><input id="play-weight" type="range" min="${-REACH}" max="${REACH}" step="0.01"></label>
  </fieldset>
  <p class="text" data-text="weighthint"></p>`;

let shape = "";

/** Offer the weights of the chosen unit, and show the value of the one that is held. */
export function showWeight() {
  const { frame, netSettings } = state, which = byId("play-which");
  const l = Math.min(state.selected[0], frame.layers.length - 1), layer = frame.layers[l], j = Math.min(state.selected[1], layer.m - 1);
  if (state.weight?.l !== l || state.weight.j !== j || state.weight.i >= layer.n) state.weight = { l, j, i: 0 };
  const wanted = JSON.stringify([l, j, netSettings.features, netSettings.hidden, document.documentElement.lang]);
  if (wanted !== shape) {
    shape = wanted;
    const from = (i) => (l ? text("unitof", { n: i + 1, layer: l }) : FEATURES[netSettings.features[i]]);
    const to = l === frame.layers.length - 1 ? text("output") + (layer.m > 1 ? ` ${j + 1}` : "") : text("unitof", { n: j + 1, layer: l + 1 });
    which.replaceChildren(...Array.from({ length: layer.n }, (_, i) => element("option", `${from(i)} → ${to}`, { value: i })), element("option", `${text("bias")} → ${to}`, { value: -1 }));
  }
  which.value = state.weight.i;
  const value = valueOf(state.weight), slider = byId("play-weight");
  if (document.activeElement !== slider || state.running) slider.value = value;
  byId("play-weight-text").textContent = figure(value);
}

const valueOf = ({ l, i, j }) => { const { w, b, m } = state.frame.layers[l]; return i < 0 ? b[j] : w[i * m + j]; };

/** Take hold of a weight: i = −1 is the bias. */
export function hold({ l, i, j }) {
  Object.assign(state, { selected: [l, j], weight: { l, i, j } });
}

// Only the last value counts while an answer is awaited.
let busy = false, next = null;
async function give(value) {
  next = value;
  if (busy) return;
  busy = true;
  while (next !== null) { const given = next; next = null; await weigh({ ...state.weight, value: given }); }
  busy = false;
}

export function wireWeight(paint) {
  byId("play-which").onchange = () => { hold({ ...state.weight, i: Number(byId("play-which").value) }); paint(); };
  byId("play-weight").oninput = () => { byId("play-weight-text").textContent = figure(Number(byId("play-weight").value)); give(Number(byId("play-weight").value)); };
}
