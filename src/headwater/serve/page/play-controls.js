// The playground's controls: what can be chosen, and what is chosen now.
import { say } from "/page/words.js";
import * as draw from "/page/play-draw.js";
import { change, tell } from "/page/play-run.js";
import { by, settings, state } from "/page/play-state.js";
import { node } from "/page/play-steps.js";

const RATES = [["5", 5], ["20", 20], ["100", 100], ["500", 500], ["2000", 2000]];
const STEPS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];
const PENALTIES = [0, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1];

export const HTML = `
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
export function controls() {
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

export function thumbnails() {
  for (const button of by("play-data").children) {
    const data = state.choices.data[button.dataset.name];
    draw.thumbnail(button.firstChild, data.points, data.classes, state.choices.box);
  }
}

// The controls say what the settings are.
export function reflect() {
  for (const name of ["activation", "optimizer", "lr", "l1", "l2", "dropout", "drift", "every", "noise"]) by(`play-${name}`).value = settings[name];
  by("play-rate").value = state.rate;
  by("play-lr").disabled = settings.optimizer === "cocob";
  by("play-noise-text").textContent = settings.noise.toFixed(2);
  by("play-every-field").hidden = settings.drift === "none";
  for (const button of by("play-data").children) button.setAttribute("aria-checked", String(button.dataset.name === settings.data));
}

export function showRunning() {
  by("play-run").textContent = state.running ? "❚❚" : "▶";
  by("play-run").title = say(state.running ? "halt" : "run");
  by("play-run").setAttribute("aria-label", by("play-run").title);
  by("play-run").classList.toggle("on", state.running);
}

// The columns of a CSV to choose from.
export function columnsOf() {
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

export async function upload(file) {
  if (!file) return;
  if (file.size > 1e6) { tell(say("toolarge")); return; }
  await change({ data: "csv", columns: null }, { csv: await file.text() });
  columnsOf();
}
