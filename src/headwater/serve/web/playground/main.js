// The playground: a small net in a worker learns a plane of points while one watches; the page is files only. This file wires its parts:
// settings.js says what may be chosen, state.js holds what is shown, run.js asks the worker (worker/) and paces it by the screen,
// view/ paints, lessons/ are the guided tasks.
import { keepInAddress, settingsInAddress } from "../shared/address.js";
import { byId } from "../shared/dom.js";
import { addTexts, applyLanguage, switchLanguage, text } from "../shared/language.js";
import { applyTheme, firstTheme, isDark } from "../shared/theme.js";
import { defaultsOf } from "./lessons/lessons.js";
import { check, restart, showLessons } from "./lessons/panel.js";
import { LESSON_TEXTS } from "./lessons/texts.js";
import { begin, change, draw, listeners, reset, showStatus, start, step, stop } from "./run.js";
import { DEFAULTS, DEPTH, RATES, refused } from "./settings.js";
import { settings, state } from "./state.js";
import { PLAYGROUND } from "./texts.js";
import { HTML, columnsOf, controls, reflect, save, showRunning, thumbnails, upload } from "./view/controls.js";
import { forgetSizes } from "./view/draw.js";
import { nearest } from "./view/edges.js";
import { build, measure } from "./view/net.js";
import { paint } from "./view/paint.js";
import { hold, wireWeight } from "./view/weight.js";

Object.assign(listeners, { choices: controls, settings: reflect, running: showRunning, frame: show, painted: paint });

function show() {
  if (build() || byId("play-columns").hidden === Boolean(state.offered ?? state.frame.table)) columnsOf();
  check();
}

const chosen = (name) => byId(`play-${name}`).value;

function wire() {
  byId("play-run").onclick = () => (state.running ? stop() : start());
  byId("play-reset").onclick = () => { stop(); showStatus(""); reset(); };
  byId("play-step").onclick = () => { stop(); step(); };
  for (const name of ["activation", "drift"]) byId(`play-${name}`).onchange = () => change({ [name]: chosen(name) });
  for (const name of ["lr", "l1", "l2", "dropout", "every", "speed"]) byId(`play-${name}`).onchange = () => change({ [name]: Number(chosen(name)) });
  byId("play-optimizer").onchange = () => { const optimizer = chosen("optimizer"); change({ optimizer, lr: RATES[optimizer] }); };
  byId("play-noise").oninput = () => { byId("play-noise-text").textContent = Number(chosen("noise")).toFixed(2); };
  byId("play-noise").onchange = () => change({ noise: Number(chosen("noise")) });
  byId("play-more").onclick = () => settings.hidden.length < DEPTH && change({ hidden: [...settings.hidden, Math.min(settings.hidden.at(-1) ?? 6, 6)] });
  byId("play-less").onclick = () => change({ hidden: settings.hidden.slice(0, -1) });
  byId("play-csv").onchange = () => { stop(); upload(byId("play-csv").files[0]); byId("play-csv").value = ""; };
  byId("play-test").onchange = draw;
  byId("play-save").onclick = save;
  byId("play-share").onclick = share;
  document.querySelector(".skip").onclick = (event) => { event.preventDefault(); byId("play-run").focus(); }; // the address holds the settings
  wireBatches();
  wireEdges();
  wireWeight(draw);
}

// A batch of all samples needs a training set: the stream has no end.
function wireBatches() {
  byId("play-batch").onchange = () => {
    const batch = Number(chosen("batch"));
    change(batch || settings.points || settings.data === "csv" ? { batch } : { batch, points: 200 });
  };
  byId("play-points-of").onchange = () => {
    const points = Number(chosen("points-of"));
    change(points || settings.batch ? { points } : { points, batch: 1 });
  };
}

function wireEdges() {
  const net = byId("play-net");
  const under = (event) => { const base = net.getBoundingClientRect(); return nearest(state.links, event.clientX - base.left, event.clientY - base.top); };
  net.onpointermove = (event) => { net.style.cursor = !event.target.closest("button") && under(event) ? "pointer" : ""; };
  net.onclick = (event) => { const link = event.target.closest("button") ? null : under(event); if (link) { hold(link); draw(); } };
}

async function share() {
  keepInAddress(settings, defaultsOf(settings.lesson));
  try { await navigator.clipboard.writeText(location.href); showStatus(text("shared")); } catch { showStatus(text("sharedby")); }
}

// The address may name settings that cannot be: the defaults stand in their place.
async function open() {
  const named = settingsInAddress(DEFAULTS);
  Object.assign(settings, defaultsOf(named.lesson), named);
  if (settings.data === "csv") settings.data = DEFAULTS.data; // the file is not here
  const wrong = refused(settings);
  for (const name of wrong) settings[name] = DEFAULTS[name];
  if (!settings.batch && !settings.points) settings.batch = DEFAULTS.batch;
  restart();
  try { await begin(); showStatus(wrong.length ? text("refusedsettings", { names: wrong.join(", ") }) : ""); } catch (error) { showStatus(error.message); }
}

function resized() {
  if (!state.frame) return;
  forgetSizes(byId("play-points"), byId("play-curve"));
  measure();
  thumbnails();
  draw();
}

function relabel() {
  applyLanguage();
  byId("language").textContent = text("language");
  byId("theme").textContent = text(isDark() ? "light" : "dark");
  document.title = `headwater · ${text("tab_playground")}`;
  showLessons();
  for (const [name, word] of [["points", "outputs"], ["curve", "losscurve"]]) byId(`play-${name}`).setAttribute("aria-label", text(word)); // the first frame says more
  if (!state.frame) return;
  controls();
  showStatus("");
  show();
  columnsOf();
  draw();
}

// On the site's home page it runs by itself, without what only the whole page needs.
const embedded = new URLSearchParams(location.search).has("embedded");
document.documentElement.classList.toggle("embedded", embedded);
addTexts(PLAYGROUND);
addTexts(LESSON_TEXTS);
byId("play").innerHTML = HTML;
wire();
byId("language").onclick = () => { switchLanguage(); relabel(); };
byId("theme").onclick = () => { applyTheme(isDark() ? "light" : "dark"); relabel(); };
window.addEventListener("hashchange", () => { stop(); open(); });
window.addEventListener("resize", resized);
applyTheme(firstTheme());
relabel();
await open();
if (embedded && state.frame && !matchMedia("(prefers-reduced-motion: reduce)").matches) start();
