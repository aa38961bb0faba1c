// What the page asks its worker, and the loop that runs it: a frame of the screen, a message, a painting.
import { keepInAddress } from "../shared/address.js";
import { byId } from "../shared/dom.js";
import { text } from "../shared/language.js";
import { defaultsOf } from "./lessons/lessons.js";
import { settings, state } from "./state.js";

const SHOWN = 200, CURVE = 1500, FITS = 600, MOST = 1000; // samples in a frame
export const listeners = { choices() {}, settings() {}, frame() {}, running() {}, painted() {} }; // called when these have changed

// ---- the worker -----------------------------------------------------------------------------------------------------

const worker = new Worker(new URL("worker/worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let asked = 0;

worker.onmessage = ({ data: { id, answer, refused } }) => {
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  byId("play").setAttribute("aria-busy", String(waiting.size > 0));
  if (refused) reject(Object.assign(new Error(refused.code ? text(`refused_${refused.code}`, refused.values) : refused.message), { offered: refused.values.offered }));
  else resolve(answer);
};
worker.onerror = (event) => { stop(); showStatus(event.message || text("noworker")); };

/** Ask the worker; its answers come in the order of the questions. */
export function ask(what, more = {}) {
  byId("play").setAttribute("aria-busy", "true");
  return new Promise((resolve, reject) => {
    waiting.set(++asked, { resolve, reject });
    worker.postMessage({ id: asked, ask: what, ...more });
  });
}

/** Ask for something after which there is a new frame; says whether it was done. */
async function send(what, more, sent) {
  try {
    const frame = await ask(what, more);
    state.offered = null;
    if (sent) state.netSettings = sent;
    receive(frame);
    return true;
  } catch (error) {
    stop();
    showStatus(error.message);
    if (error.offered && more.csv) state.offered = { ...error.offered, csv: more.csv };
    return false;
  }
}

export async function begin(more = {}) {
  const sent = { ...settings }, frame = await ask("begin", { settings: sent, ...more });
  state.netSettings = sent;
  state.choices = frame.choices;
  receive(frame);
  listeners.choices();
}

/** Go on with other settings; those that are refused are taken back. Says whether it was done. */
export async function change(patch, more = {}) {
  const before = Object.fromEntries(Object.keys(patch).map((name) => [name, settings[name]]));
  Object.assign(settings, patch);
  listeners.settings();
  showStatus("");
  const sent = { ...settings }, shaped = ["hidden", "features", "activation"].some((name) => name in patch);
  const done = await send("change", { settings: sent, ...more }, sent);
  if (!done) Object.assign(settings, before);
  else if (shaped) showStatus(text("newnet"));
  listeners.settings();
  keepInAddress(settings, defaultsOf(settings.lesson));
  return done;
}

export const step = () => send("step");
export const reset = () => send("reset");
export const weigh = (weight) => send("weigh", weight);

function receive(frame) {
  if (frame.fresh) Object.assign(state, { points: [], curve: [], fits: [], marks: [], steps: null });
  state.frame = frame;
  state.points = [...state.points, ...frame.points].slice(-SHOWN);
  state.curve.push(...frame.curve);
  state.fits.push(...frame.fits);
  if (state.curve.length > CURVE) state.curve = thinned(state.curve);
  if (state.fits.length > FITS) state.fits = thinned(state.fits);
  state.marks.push(...frame.marks);
  if (frame.training !== undefined) state.training = frame.training;
  if (frame.steps) state.steps = frame.steps;
  if (frame.table) settings.columns = frame.table.chosen;
  listeners.frame();
  draw();
}

const thinned = (list) => list.filter((_, i) => i % 2 || i === list.length - 1);

// ---- running --------------------------------------------------------------------------------------------------------

let owed = 0, before = 0, pending = false, drawn = true, turning = false;

export function start() {
  Object.assign(state, { running: true, steps: null });
  [owed, before] = [1, performance.now()];
  showStatus("");
  listeners.running();
  draw();
}

export function stop() {
  state.running = false;
  listeners.running();
}

/** Paint at the next frame of the screen. */
export function draw() {
  drawn = false;
  if (turning) return;
  turning = true;
  requestAnimationFrame(turn);
}

function turn(now) {
  turning = false;
  if (state.running && !pending) more(now);
  if (!drawn) { drawn = true; listeners.painted(now); state.painted += 1; }
  if (state.running && !turning) { turning = true; requestAnimationFrame(turn); }
}

/** Ask for the samples of this frame; a slow machine falls behind rather than catching up. */
async function more(now) {
  owed += (Math.min(Math.max(now - before, 0), 500) / 1000) * settings.speed;
  before = now;
  const rows = Math.min(Math.floor(owed), MOST);
  if (!rows) return;
  owed -= rows;
  pending = true;
  await send("run", { rows });
  pending = false;
}

export const showStatus = (sentence) => { byId("play-status").textContent = sentence || text("playhint"); };
