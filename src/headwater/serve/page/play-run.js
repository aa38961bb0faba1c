// What the playground asks of the server: a net, rows, other settings; and the loop that runs it.
import { ask } from "/page/ask.js";
import { say } from "/page/words.js";
import * as draw from "/page/play-draw.js";
import { by, settings, state } from "/page/play-state.js";

const FRAMES = 20, SHOWN = 200, CURVE = 1500, MOST = 2000;
export const on = { choices() {}, settings() {}, frame() {}, running() {} }; // who shows what has changed

export async function begin(more = {}) {
  const made = { ...settings }, frame = await ask("POST", "/play", { ...made, ...more });
  state.id = frame.id;
  state.choices = frame.choices;
  state.made = made;
  on.choices();
  take(frame);
}

// Requests follow one another; one that meets a net the server has forgotten begins a new one.
let last = Promise.resolve(), waiting = 0;
export function turn(path, body, made) {
  by("play").setAttribute("aria-busy", String(++waiting > 0));
  last = last.then(async () => {
    try {
      const frame = await ask("POST", `/play/${state.id}/${path}`, body);
      if (made) state.made = made;
      take(frame);
      return true;
    } catch (error) {
      if (error.status === 404 && settings.data !== "csv") { await begin(); tell(say("forgotten")); return true; }
      halt();
      tell(error.message);
      return false;
    } finally {
      by("play").setAttribute("aria-busy", String(--waiting > 0));
    }
  });
  return last;
}

// A wish the server refuses is taken back.
export async function change(wish, more = {}) {
  const before = Object.fromEntries(Object.keys(wish).map((name) => [name, settings[name]]));
  Object.assign(settings, wish);
  on.settings();
  tell("");
  const made = { ...settings };
  if (!(await turn("change", { ...made, ...more }, made))) Object.assign(settings, before);
  else if (state.frame.fresh && !more.csv) tell(say("newnet"));
  on.settings();
}

function take(frame) {
  if (frame.fresh) { state.points = []; state.curve = []; state.marks = []; state.steps = null; }
  state.frame = frame;
  state.points = [...state.points, ...frame.points].slice(-SHOWN);
  state.curve.push(...frame.curve);
  if (state.curve.length > CURVE) state.curve = state.curve.filter((_, i) => i % 2 || i === state.curve.length - 1);
  state.marks.push(...frame.marks);
  if (frame.steps) state.steps = frame.steps;
  state.surface = frame.surface.map(draw.bytes);
  state.maps = frame.units.map((layer) => layer.map(draw.bytes));
  if (frame.table) settings.columns = frame.table.chosen;
  on.frame();
}

// ---- running --------------------------------------------------------------------------------------------------------

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

export async function go() {
  state.running = true;
  state.steps = null;
  tell("");
  on.running();
  let owed = 1, before = performance.now();
  while (state.running) {
    const now = performance.now(), visible = !document.hidden && !by("play").hidden;
    owed += visible ? Math.min((now - before) / 1000, 0.5) * state.rate : 0; // what a slow machine can't do is not made up for
    before = now;
    const rows = Math.min(Math.floor(owed), MOST);
    if (visible && rows) { owed -= rows; await turn("run", { rows }); }
    await pause(Math.max(1000 / FRAMES - (performance.now() - now), 4));
  }
}

export function halt() { state.running = false; on.running(); }

export const tell = (text) => { by("play-said").textContent = text || say("playhint"); };
