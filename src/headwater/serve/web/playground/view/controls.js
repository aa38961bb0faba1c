// The playground's controls: the choices, and what is chosen.
import { textOf } from "../worker/decode.js";
import { byId, element } from "../../shared/dom.js";
import { text } from "../../shared/language.js";
import { ask, change, showStatus } from "../run.js";
import { ACTIVATIONS, BATCHES, DRIFTS, POINTS, RATES, SPEEDS } from "../settings.js";
import { settings, state } from "../state.js";
import * as draw from "./draw.js";
import { showLook } from "./look.js";
import { HTML as WEIGHT } from "./weight.js";

const STEPS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const PENALTIES = [0, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1];
const MOST_BYTES = 1e6;

const field = (name, word = name) => `<label><span data-text="${word}"></span><select id="play-${name}"></select></label>`;

export const HTML = `
  <section class="card bar" aria-labelledby="play-bar">
    <h2 id="play-bar" class="unseen" data-text="run"></h2>
    <div class="main"><div class="buttons"><button id="play-reset" type="button">↺</button><button id="play-run" type="button" class="go">▶</button><button id="play-step" type="button">❚▶</button></div>
    <div class="count"><b id="play-n">0</b><span data-text="rowslearned"></span></div></div>
    <div class="options">${["speed", "activation", "batch", "optimizer", "lr", "l1", "l2", "dropout"].map((name) => field(name)).join("")}</div>
  </section>
  <p id="play-status" class="status" role="status"></p>
  <section id="play-lessons" class="card lessons" aria-labelledby="play-lessons-title">
    <div class="lessons-head"><h2 id="play-lessons-title"></h2><div id="play-lesson-names" class="names"></div></div>
    <div id="play-task"></div>
    <p id="play-reached" class="reached" role="status"></p>
  </section>
  <div class="stage">
    <section class="card" aria-labelledby="play-data-title">
      <h2 id="play-data-title" data-text="data"></h2>
      <div id="play-data" class="thumbs" role="radiogroup" aria-labelledby="play-data-title"></div>
      <label class="button file"><span data-text="csv"></span><input id="play-csv" type="file" accept=".csv,.tsv,.txt,text/csv"></label>
      <p class="text" data-text="csvhint"></p>
      <div id="play-columns" hidden></div>
      <label class="field"><span data-text="points"></span><select id="play-points-of"></select></label>
      <label class="field"><span><span data-text="noise"></span> <output id="play-noise-text"></output></span><input id="play-noise" type="range" min="0" max="0.8" step="0.05"></label>
      <label class="field"><span data-text="conceptdrift"></span><select id="play-drift"></select></label>
      <label class="field" id="play-every-field"><span data-text="every"></span><select id="play-every"></select></label>
    </section>
    <section class="card" aria-labelledby="play-layers">
      <div class="layers-head"><h2 id="play-layers"><span data-text="layers"></span> <span id="play-depth"></span></h2><button id="play-less" type="button">−</button><button id="play-more" type="button">+</button></div>
      <div id="play-net" class="net"></div>
      ${WEIGHT}
    </section>
    <section class="card" aria-labelledby="play-output">
      <h2 id="play-output"><span data-text="outputs"></span> <span id="play-shown" class="text"></span></h2>
      <div class="plane"><canvas id="play-surface"></canvas><canvas id="play-points" role="img"></canvas></div>
      <div class="axis"><span id="play-low"></span><span id="play-axis"></span><span id="play-high"></span></div>
      <div id="play-legend" class="legend"></div>
      <label class="check"><input id="play-test" type="checkbox"> <span data-text="showtest"></span></label>
      <table id="play-scores"><tbody></tbody></table>
      <p id="play-saturated" class="text"></p>
      <p class="text" data-text="over"></p>
      <div class="buttons keep"><button id="play-save" type="button" data-text="save"></button></div>
      <pre id="play-code" tabindex="0" hidden></pre>
    </section>
    <section class="card curve" aria-labelledby="play-curve-title"><h2 id="play-curve-title"><span data-text="losscurve"></span> <span id="play-updates" class="text"></span></h2><canvas id="play-curve" role="img"></canvas></section>
  </div>
  <section id="play-look" class="card" aria-labelledby="play-look-title" hidden><h2 id="play-look-title" data-text="look"></h2><p class="text" data-text="lookhint"></p><div class="wide" tabindex="0"><table id="play-look-table" class="look"></table></div></section>
  <section class="card" aria-labelledby="play-steps-title"><h2 id="play-steps-title" data-text="foursteps"></h2><div id="play-steps"></div></section>`;

function fill(id, options, name = String) {
  const chosen = byId(id).value;
  byId(id).replaceChildren(...options.map((value) => element("option", name(value), { value })));
  byId(id).value = chosen;
}

const grouped = (n) => n.toLocaleString();

// Fill the selects and name the buttons, also when the language has changed.
export function controls() {
  fill("play-speed", SPEEDS, grouped);
  fill("play-activation", ACTIVATIONS);
  fill("play-batch", BATCHES, (n) => (n === 1 ? text("online") : n || text("wholeset")));
  fill("play-points-of", POINTS, (n) => n || text("endless"));
  fill("play-optimizer", Object.keys(RATES));
  fill("play-lr", STEPS);
  fill("play-l1", PENALTIES);
  fill("play-l2", PENALTIES);
  fill("play-dropout", [0, 0.1, 0.2, 0.3, 0.5]);
  fill("play-drift", DRIFTS, text);
  fill("play-every", [500, 1000, 2000, 5000], grouped);
  for (const [id, word] of [["reset", "reset"], ["step", "single"], ["more", "addlayer"], ["less", "removelayer"]]) {
    byId(`play-${id}`).title = text(word);
    byId(`play-${id}`).setAttribute("aria-label", text(word));
  }
  if (!byId("play-data").firstChild) byId("play-data").append(...Object.keys(state.choices.data).map(thumbnail));
  for (const button of byId("play-data").children) button.title = button.lastChild.textContent = text(button.dataset.name);
  thumbnails();
  reflect();
  showRunning();
}

function thumbnail(name) {
  const button = element("button", undefined, { type: "button", onclick: () => change({ data: name, columns: null }), onkeydown: turn });
  button.dataset.name = name;
  button.setAttribute("role", "radio");
  button.append(element("canvas"), element("span"));
  return button;
}

/** In a group of radio buttons the arrows go from one to the next. */
function turn(event) {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const all = [...byId("play-data").children], next = all[(all.indexOf(event.currentTarget) + by + all.length) % all.length];
  next.focus();
  next.click();
}

export function thumbnails() {
  for (const button of byId("play-data").children) {
    const data = state.choices.data[button.dataset.name];
    draw.forgetSizes(button.firstChild);
    draw.thumbnail(button.firstChild, data.points, data.classes);
  }
}

// Show the settings in the controls.
export function reflect() {
  const fixed = settings.points > 0;
  for (const name of ["speed", "activation", "batch", "optimizer", "lr", "l1", "l2", "dropout", "drift", "every", "noise"]) put(`play-${name}`, settings[name]);
  put("play-points-of", settings.points);
  byId("play-lr").disabled = settings.optimizer === "cocob";
  byId("play-points-of").disabled = settings.data === "csv";
  byId("play-drift").disabled = fixed;
  byId("play-noise-text").textContent = settings.noise.toFixed(2);
  byId("play-every-field").hidden = settings.drift === "none" || fixed;
  for (const button of byId("play-data").children) {
    const on = button.dataset.name === settings.data, first = settings.data === "csv" && button === byId("play-data").firstChild;
    button.setAttribute("aria-checked", String(on));
    button.tabIndex = on || first ? 0 : -1;
  }
}

/** Choose a value, which an address may have named that the list lacks. */
function put(id, value) {
  const select = byId(id);
  if (select.options && ![...select.options].some((option) => option.value === String(value))) select.append(element("option", value, { value }));
  select.value = value;
}

export function showRunning() {
  byId("play-run").textContent = state.running ? "❚❚" : "▶";
  byId("play-run").title = text(state.running ? "halt" : "run");
  byId("play-run").setAttribute("aria-label", byId("play-run").title);
  byId("play-run").classList.toggle("on", state.running);
}

// Offer the columns of a CSV file, also of one that was refused for those that were chosen.
export function columnsOf() {
  const { offered } = state, table = offered ?? state.frame.table, place = byId("play-columns");
  place.hidden = !table;
  showLook(!offered && Boolean(table));
  if (!table) return;
  place.replaceChildren(...["columnx", "columny", "columnanswer"].map((word, i) => {
    const label = element("label", undefined, { className: "field" }), choose = element("select", undefined, { id: `play-column-${i}` });
    choose.append(...table.columns.map((name) => element("option", name, { value: name })));
    choose.value = table.chosen[i];
    choose.onchange = () => {
      const columns = table.chosen.map((name, j) => (j === i ? choose.value : name));
      return change(offered ? { data: "csv", points: 0, columns } : { columns }, offered ? { csv: offered.csv } : {}).then(columnsOf);
    };
    label.append(element("span", text(word)), choose);
    return label;
  }), offered ? "" : element("p", `${grouped(table.rows)} ${text("filerows")}${table.skipped ? ` · ${grouped(table.skipped)} ${text("skippedrows")}` : ""}`, { className: "text" }));
}

export async function upload(file) {
  if (!file) return;
  if (file.size > MOST_BYTES) { showStatus(text("toolarge")); return; }
  const [csv, encoding] = textOf(await file.arrayBuffer());
  const done = await change({ data: "csv", columns: null, points: 0 }, { csv });
  columnsOf();
  if (done && encoding) showStatus(text("read_as", { encoding }));
}

/** Download the net, and show the lines of Python that go on with it. */
export async function save() {
  const bytes = await ask("save"), address = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  element("a", undefined, { href: address, download: "playground.hw" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
  const code = byId("play-code"), inputs = state.netSettings.features.map((name) => name.replace("^", "**")).join(", ");
  code.textContent = `import headwater as hw\n\nnet = hw.load("playground.hw")\nnet.forward([[${state.netSettings.features.map(() => "0.5").join(", ")}]])  # ${inputs}`;
  code.hidden = false;
  showStatus(text("saved"));
}
