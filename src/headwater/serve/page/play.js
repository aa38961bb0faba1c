// The playground: a small net on the server learns a plane of points while one watches. This file holds its state and its
// controls; play-draw.js draws, play-steps.js shows the numbers of one sample.
import { say } from "/page/words.js";
import * as draw from "/page/play-draw.js";
import { figure, node, show as showSteps } from "/page/play-steps.js";

const by = (id) => document.getElementById(id);
const RATES = [["5", 5], ["20", 20], ["100", 100], ["500", 500], ["2000", 2000]], FRAMES = 20;
const STEPS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];
const FEATURES = { x1: "x₁", x2: "x₂", "x1^2/3": "x₁²/3", "x2^2/3": "x₂²/3", "x1*x2/3": "x₁x₂/3", "sin x1": "sin x₁", "sin x2": "sin x₂" };
const PENALTIES = [0, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1], SHOWN = 200, CURVE = 1500, MOST = 2000;

const settings = {
  data: "circles", noise: 0.15, drift: "none", every: 1000, features: ["x1", "x2"], hidden: [4, 3], activation: "tanh",
  optimizer: "sgd", lr: 0.03, l1: 0, l2: 0, dropout: 0, seed: 1, columns: null,
};
const state = {
  id: "", choices: null, frame: null, points: [], curve: [], marks: [], steps: null, selected: [9, 0], over: null, running: false,
  rate: 100, maps: [], surface: null, links: [], ends: [], made: settings, // what the frame's net was made of: later wishes are on their way
};
const view = () => ({ ...state, settings: state.made, classes: state.frame.classes, featureName: (name) => FEATURES[name] });

// ---- the server -----------------------------------------------------------------------------------------------------

async function ask(method, path, body) {
  const answer = await fetch(path, { method, body: body && JSON.stringify(body), headers: body ? { "content-type": "application/json" } : {} });
  const value = await answer.json();
  if (answer.ok) return value;
  if (answer.status === 401) { by("login").hidden = false; location.hash = ""; }
  throw Object.assign(new Error(`${value.error} — ${value.at}. ${value.help}`), { status: answer.status });
}

async function begin(more = {}) {
  const made = { ...settings }, frame = await ask("POST", "/play", { ...made, ...more });
  state.id = frame.id;
  state.choices = frame.choices;
  state.made = made;
  controls();
  take(frame);
}

// Requests follow one another; one that meets a net the server has forgotten begins a new one.
let last = Promise.resolve(), waiting = 0;
function turn(path, body, made) {
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
async function change(wish, more = {}) {
  const before = Object.fromEntries(Object.keys(wish).map((name) => [name, settings[name]]));
  Object.assign(settings, wish);
  reflect();
  tell("");
  const made = { ...settings };
  if (!(await turn("change", { ...made, ...more }, made))) Object.assign(settings, before);
  else if (state.frame.fresh && !more.csv) tell(say("newnet"));
  reflect();
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
  build();
  paint();
}

// ---- running --------------------------------------------------------------------------------------------------------

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

async function go() {
  state.running = true;
  state.steps = null;
  tell("");
  showRunning();
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

function halt() { state.running = false; showRunning(); }

function showRunning() {
  by("play-run").textContent = state.running ? "❚❚" : "▶";
  by("play-run").title = say(state.running ? "halt" : "run");
  by("play-run").setAttribute("aria-label", by("play-run").title);
  by("play-run").classList.toggle("on", state.running);
}

const tell = (text) => { by("play-said").textContent = text || say("playhint"); };

// ---- the page's parts -----------------------------------------------------------------------------------------------

const HTML = `
  <div class="card bar">
    <div class="main"><div class="buttons"><button id="play-reset" type="button">↺</button><button id="play-run" type="button" class="go">▶</button><button id="play-step" type="button">❚▶</button></div>
    <div class="count"><b id="play-n">0</b><span data-say="rowslearned"></span></div></div>
    <div class="options">
    <label><span data-say="speed"></span><select id="play-rate"></select></label>
    <label><span data-say="activation"></span><select id="play-activation"></select></label>
    <label><span data-say="optimizer"></span><select id="play-optimizer"></select></label>
    <label><span data-say="lr"></span><select id="play-lr"></select></label>
    <label><span data-say="l1"></span><select id="play-l1"></select></label>
    <label><span data-say="l2"></span><select id="play-l2"></select></label>
    <label><span data-say="dropout"></span><select id="play-dropout"></select></label></div>
  </div>
  <p id="play-said" class="said" role="status"></p>
  <div class="stage">
    <section class="card">
      <h2 data-say="data"></h2>
      <div id="play-data" class="thumbs" role="radiogroup"></div>
      <label class="button file"><span data-say="csv"></span><input id="play-csv" type="file" accept=".csv,.tsv,.txt,text/csv"></label>
      <p class="text" data-say="csvhint"></p>
      <div id="play-columns" hidden></div>
      <label class="field"><span><span data-say="noise"></span> <output id="play-noise-text"></output></span><input id="play-noise" type="range" min="0" max="0.8" step="0.05"></label>
      <label class="field"><span data-say="conceptdrift"></span><select id="play-drift"></select></label>
      <label class="field" id="play-every-field"><span data-say="every"></span><select id="play-every"></select></label>
    </section>
    <section class="card">
      <div class="layers-head"><h2><span data-say="layers"></span> <span id="play-depth"></span></h2><button id="play-less" type="button">−</button><button id="play-more" type="button">+</button></div>
      <div id="play-net" class="net"></div>
      <p id="play-weight" class="text weight"></p>
    </section>
    <section class="card">
      <h2><span data-say="outputs"></span> <span id="play-shown" class="text"></span></h2>
      <div class="plane"><canvas id="play-surface"></canvas><canvas id="play-points" role="img"></canvas></div>
      <div class="axis"><span id="play-low"></span><span id="play-axis"></span><span id="play-high"></span></div>
      <div id="play-legend" class="legend"></div>
      <table id="play-scores"></table>
      <p class="text" data-say="over"></p>
    </section>
    <section class="card curve"><h2 data-say="losscurve"></h2><canvas id="play-curve" role="img"></canvas></section>
  </div>
  <section class="card"><h2 data-say="foursteps"></h2><div id="play-steps"></div></section>`;

function fill(id, options, name = String) {
  by(id).replaceChildren(...options.map((value) => node("option", name(value), { value })));
}

// What the selects offer: made anew when the language changes.
function controls() {
  const { choices } = state;
  fill("play-rate", RATES.map(([name]) => name), (name) => Number(name).toLocaleString());
  fill("play-activation", choices.activations);
  fill("play-optimizer", Object.keys(choices.optimizers));
  fill("play-lr", STEPS);
  fill("play-l1", PENALTIES);
  fill("play-l2", PENALTIES);
  fill("play-dropout", [0, 0.1, 0.2, 0.3, 0.5]);
  fill("play-drift", choices.drifts, say);
  fill("play-every", [500, 1000, 2000, 5000], (n) => n.toLocaleString());
  for (const [id, word] of [["reset", "reset"], ["step", "single"], ["more", "addlayer"], ["less", "removelayer"]]) {
    by(`play-${id}`).title = say(word);
    by(`play-${id}`).setAttribute("aria-label", say(word));
  }
  by("play-data").replaceChildren(...Object.entries(choices.data).map(([name, data]) => {
    const button = node("button", undefined, { type: "button", title: say(name), onclick: () => change({ data: name, columns: null }) });
    button.dataset.name = name;
    button.setAttribute("role", "radio");
    button.append(node("canvas"), node("span", say(name)));
    return button;
  }));
  thumbnails();
  reflect();
  showRunning();
  tell("");
}

function thumbnails() {
  for (const button of by("play-data").children) {
    const data = state.choices.data[button.dataset.name];
    draw.thumbnail(button.firstChild, data.points, data.classes, state.choices.box);
  }
}

// The controls say what the settings are.
function reflect() {
  for (const name of ["activation", "optimizer", "lr", "l1", "l2", "dropout", "drift", "every", "noise"]) by(`play-${name}`).value = settings[name];
  by("play-rate").value = state.rate;
  by("play-lr").disabled = settings.optimizer === "cocob";
  by("play-noise-text").textContent = settings.noise.toFixed(2);
  by("play-every-field").hidden = settings.drift === "none";
  for (const button of by("play-data").children) button.setAttribute("aria-checked", String(button.dataset.name === settings.data));
}

// ---- the net --------------------------------------------------------------------------------------------------------

let shape = "";
function build() {
  const outputs = Math.max(state.surface.length, 1);
  const { features, hidden: sizes } = state.made;
  const wanted = JSON.stringify([features, sizes, state.frame.classes, outputs, document.documentElement.lang]);
  if (wanted === shape && by("play-net").firstChild) return;
  shape = wanted;
  const columns = [inputs(), ...sizes.map(hidden), output(outputs)];
  by("play-net").replaceChildren(node("canvas", undefined, { className: "edges" }), ...columns);
  by("play-depth").textContent = sizes.length;
  by("play-more").disabled = sizes.length >= 6;
  by("play-less").disabled = sizes.length === 0;
  measure();
  columnsOf();
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
function measure() {
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

function findLinks() {
  const { ends } = state;
  state.links = state.frame.layers.flatMap((layer, l) => layer.w.flatMap((row, i) => row.map((w, j) => ({
    from: ends[l][i].right, to: ends[l + 1][j].left, w: w ?? 0, unit: `${l}:${j}`,
  }))));
}

// ---- painting -------------------------------------------------------------------------------------------------------

const still = matchMedia("(prefers-reduced-motion: reduce)");

function paint() {
  if (!state.frame || by("play").hidden) return;
  const { frame } = state, net = by("play-net");
  by("play-n").textContent = frame.n.toLocaleString();
  for (const unit of net.querySelectorAll(".unit")) {
    const [l, j] = unit.dataset.name.split(":"), map = l === "f" ? draw.bytes(state.choices.features[j]) : state.maps[l]?.[j];
    if (!map && state.surface.length > 1) draw.share(unit.firstChild, state.surface[j], Number(j));
    else draw.map(unit.firstChild, [map ?? state.surface[0]]);
    if (l === "f") continue;
    unit.classList.toggle("chosen", Number(l) === Math.min(state.selected[0], frame.layers.length - 1) && Number(j) === state.selected[1]);
    const bias = frame.layers[l].b[j] ?? 0;
    unit.style.setProperty("--bias", draw.shade(Math.max(-1, Math.min(1, bias))));
    unit.title = `${unit.getAttribute("aria-label")} · ${say("bias")} ${figure(bias)}`;
  }
  findLinks();
  draw.edges(net.querySelector(".edges"), state.links, { flow: state.running && !still.matches ? 1 + (performance.now() / 40) % 12 : 0 });
  paintSurface();
  scores();
  const words = { waiting: say("waiting"), rows: say("rows") };
  draw.curve(by("play-curve"), state.curve, state.marks, { words });
  by("play-curve").setAttribute("aria-label", `${say("losscurve")}: ${[...by("play-scores").rows].map((row) => row.textContent).join("; ")}`);
  showSteps(by("play-steps"), view());
}

function paintSurface() {
  if (!state.frame) return;
  const { frame } = state, shown = state.over?.();
  draw.map(by("play-surface"), shown ? shown.maps : state.surface);
  by("play-shown").textContent = shown ? `${say("showing")}${shown.name}` : "";
  draw.points(by("play-points"), state.points, { classes: frame.classes.length, box: state.choices.box, last: state.steps && !state.running ? [...state.steps.x] : null });
  const table = frame.table, box = state.choices.box, low = table ? table.low : [-box, -box], high = table ? table.high : [box, box];
  by("play-low").textContent = figureShort(low[0]);
  by("play-high").textContent = figureShort(high[0]);
  by("play-axis").textContent = table ? `${table.chosen[0]} →  ·  ↑ ${table.chosen[1]}` : "x₁ →  ·  ↑ x₂";
  by("play-points").setAttribute("aria-label", `${say("outputs")}: ${frame.classes.join(", ")}`);
  legend(frame);
}
const figureShort = (v) => Number(v.toPrecision(3)).toLocaleString();

function legend(frame) {
  const parts = frame.classes.map((name, k) => {
    const part = node("span", name);
    part.style.setProperty("--dot", draw.colour(k));
    return part;
  });
  if (!frame.classes.length) {
    const [low, high] = frame.table ? frame.table.answers : [-1, 1];
    parts.push(node("span", figureShort(low), { className: "end" }), node("i"), node("span", figureShort(high), { className: "end" }));
    parts[1].style.background = `linear-gradient(90deg, ${[-1, -0.5, 0, 0.5, 1].map(draw.shade).join()})`;
  }
  const degrees = Math.round((frame.angle * 180) / Math.PI);
  if (degrees) {
    const arrow = node("span", `${say("turned")} ${(degrees % 360)}°`, { className: "angle" });
    parts.push(arrow);
  }
  by("play-legend").replaceChildren(...parts);
}

const percent = (v) => `${(100 * v).toFixed(1)} %`;

function scores() {
  const { loss, accuracy } = state.frame.scores, names = [say("netloss"), say(state.frame.classes.length ? "frequencies" : "meansofar"), say("lastagain")];
  const head = node("tr");
  head.append(node("td"), node("th", say("lossname"), { scope: "col" }), ...(state.frame.classes.length ? [node("th", say("accuracy"), { scope: "col" })] : []));
  const best = loss && loss[0] <= Math.min(...loss);
  const table = by("play-scores");
  table.replaceChildren(head, ...names.map((name, k) => {
    const row = node("tr", undefined, { className: k ? "" : "own" }), th = node("th", undefined, { scope: "row" });
    th.append(node("canvas", undefined, { className: "swatch" }), ` ${name}`);
    row.append(th, node("td", loss ? figure(loss[k]) : "–", { className: k || !loss ? "" : best ? "right" : "wrong" }));
    if (state.frame.classes.length) row.append(node("td", accuracy ? percent(accuracy[k]) : "–"));
    return row;
  }));
  table.querySelectorAll(".swatch").forEach((canvas, k) => draw.swatch(canvas, k));
}

// The columns of a CSV to choose from.
function columnsOf() {
  const table = state.frame.table, place = by("play-columns");
  place.hidden = !table;
  if (!table) return;
  place.replaceChildren(...["columnx", "columny", "columnanswer"].map((word, i) => {
    const label = node("label", undefined, { className: "field" }), choose = node("select", undefined, { id: `play-column-${i}` });
    choose.append(...table.columns.map((name) => node("option", name, { value: name })));
    choose.value = table.chosen[i];
    choose.onchange = () => change({ columns: table.chosen.map((name, j) => (j === i ? choose.value : name)) }).then(columnsOf);
    label.append(node("span", say(word)), choose);
    return label;
  }), node("p", `${table.rows.toLocaleString()} ${say("filerows")}${table.skipped ? ` · ${table.skipped} ${say("skippedrows")}` : ""}`, { className: "text" }));
}

async function upload(file) {
  if (!file) return;
  if (file.size > 1e6) { tell(say("toolarge")); return; }
  await change({ data: "csv", columns: null }, { csv: await file.text() });
  columnsOf();
}

// ---- wiring ---------------------------------------------------------------------------------------------------------

function wire() {
  by("play-run").onclick = () => (state.running ? halt() : go());
  by("play-reset").onclick = () => { halt(); tell(""); turn("reset"); };
  by("play-step").onclick = () => { halt(); turn("step"); };
  by("play-rate").onchange = () => { state.rate = Number(by("play-rate").value); };
  for (const name of ["activation", "drift"]) by(`play-${name}`).onchange = () => change({ [name]: by(`play-${name}`).value });
  for (const name of ["lr", "l1", "l2", "dropout", "every"]) by(`play-${name}`).onchange = () => change({ [name]: Number(by(`play-${name}`).value) });
  by("play-optimizer").onchange = () => { const optimizer = by("play-optimizer").value; change({ optimizer, lr: state.choices.optimizers[optimizer] }); };
  by("play-noise").oninput = () => { by("play-noise-text").textContent = Number(by("play-noise").value).toFixed(2); };
  by("play-noise").onchange = () => change({ noise: Number(by("play-noise").value) });
  by("play-more").onclick = () => settings.hidden.length < 6 && change({ hidden: [...settings.hidden, Math.min(settings.hidden.at(-1) ?? 4, 4)] });
  by("play-less").onclick = () => change({ hidden: settings.hidden.slice(0, -1) });
  by("play-csv").onchange = () => { upload(by("play-csv").files[0]); by("play-csv").value = ""; };
  by("play-net").onpointermove = (event) => {
    const base = by("play-net").getBoundingClientRect(), link = draw.nearest(state.links, event.clientX - base.left, event.clientY - base.top);
    by("play-weight").textContent = link ? `${say("weight")} w = ${figure(link.w)}` : "";
  };
  by("play-net").onpointerleave = () => { by("play-weight").textContent = ""; };
}

async function open() {
  const here = location.hash === "#playground";
  document.body.dataset.tab = here ? "playground" : "live";
  by("play").hidden = !here;
  document.querySelector("main").hidden = here;
  for (const link of document.querySelectorAll(".tabs a")) link.setAttribute("aria-current", String((link.getAttribute("href") === "#playground") === here));
  window.dispatchEvent(new Event("resize")); // what was laid out while hidden had no width
  if (!here || state.id) return;
  state.id = "…";
  try { await begin(); } catch (error) { state.id = ""; tell(error.message); }
}

by("play").innerHTML = HTML;
for (const part of by("play").querySelectorAll("[data-say]")) part.textContent = say(part.dataset.say);
wire();
window.addEventListener("hashchange", open);
window.addEventListener("resize", () => { if (state.frame && !by("play").hidden) { measure(); thumbnails(); paint(); } });
window.addEventListener("pagehide", () => { if (state.frame) fetch(`/play/${state.id}`, { method: "DELETE", keepalive: true }); });
window.addEventListener("pageshow", (event) => { if (event.persisted && state.frame) begin(); });
// The page's language and theme are marked on its root.
new MutationObserver(() => { if (state.frame) { controls(); build(); thumbnails(); paint(); } }).observe(document.documentElement, { attributeFilter: ["lang", "data-theme"] });
open();
