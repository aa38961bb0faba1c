// A learned model on a page: what is said here goes to the worker that holds the learner, and what it answers is shown.

import { brief, byId, element, fillForm, makeForm, readForm, showCode, typicalSample } from "./form.mjs";
import { showPrediction, showScore, shownLabel } from "./result.mjs";
import { seenSample, showBefore } from "./good.mjs";
import { QUESTIONS } from "./kinds.mjs";
import { applyLanguage, firstTheme, keep, language, shownCount, switchLanguage, text } from "./texts.mjs";

const NEW = "new"; // the value of the choice of another class

const worker = new Worker("worker.mjs", { type: "module" });
const waiting = new Map();
let asked = 0;
let model = null; // what the worker says about it
let chosen = null; // the file
let unsaved = false;
let last = null;
let predicting = false;
let again = false;

/** Ask the worker for something. */
function ask(what, given = {}, onProgress = () => {}) {
  const id = ++asked;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, onProgress });
    worker.postMessage({ id, what, given });
  });
}

worker.onmessage = ({ data: { id, answer, error, progress } }) => {
  const one = waiting.get(id);
  if (progress !== undefined) return one.onProgress(progress);
  waiting.delete(id);
  return error === undefined ? one.resolve(answer) : one.reject(new Error(error));
};

/** Do what was asked for; what goes wrong is said on the page. */
async function tried(work) {
  try {
    byId("state").hidden = true;
    await work();
  } catch (error) {
    const known = ["network", "missing_target"].includes(error.message);
    Object.assign(byId("state"), { hidden: false, className: "wrong", textContent: known ? text(error.message) : error.message });
  }
}

// ---- the sample -------------------------------------------------------------------------------------------------------

/** Predict what the form holds; while the worker is at it, only the newest sample waits. */
async function predict() {
  if (predicting) {
    again = true;
    return;
  }
  predicting = true;
  await tried(async () => {
    last = await ask("predict", { pairs: readForm(), explained: byId("why-part").open });
    showPrediction(last, model.unexplained);
  });
  predicting = false;
  if (!again) return;
  again = false;
  await predict();
}

function showAbout() {
  const { classes, kind, learned, target } = model;
  const question = QUESTIONS[kind][language()];
  byId("title").textContent = target ?? question;
  document.title = `${target ?? question} · headwater`;
  byId("about").textContent = `${target ? `${question} · ` : ""}${text("learned", { n: shownCount(learned) })}`;
  byId("score-note").dataset.text = classes ? "score_note" : "score_note_numbers";
  byId("score-note").textContent = text(byId("score-note").dataset.text);
  for (const part of document.querySelectorAll("[data-learns]")) part.hidden = !model.learns;
  showScore(model.score);
}

/** Show how good the model was before this page, when there is room to draw in. */
const showGood = () => showBefore(model.before, model.learns);

/** The form of the answer: a choice of the known classes or a new one; a number of a regressor. */
function makeAnswer() {
  const form = byId("learn");
  const label = element("label", text("answer"));
  const button = element("button", text("learn"), { type: "submit", id: "learn-button" });
  form.onsubmit = (event) => {
    event.preventDefault();
    tried(learn);
  };
  if (model.classes === null) {
    label.append(element("input", undefined, { id: "answer", type: "number", step: "any", required: true }));
    form.replaceChildren(label, button);
    return;
  }
  const select = element("select", undefined, { id: "answer" });
  select.append(...model.classes.map((known, i) => element("option", shownLabel(known), { value: String(i) })));
  select.append(element("option", text("another"), { value: NEW }));
  const other = element("label", text("new_answer"));
  const input = element("input", undefined, { id: "answer-new", autocomplete: "off" });
  other.append(input);
  label.append(select);
  select.onchange = () => {
    other.hidden = select.value !== NEW;
    input.required = !other.hidden;
  };
  form.replaceChildren(label, other, button);
  select.onchange();
}

function answerGiven() {
  const answer = byId("answer");
  if (model.classes === null) return answer.valueAsNumber;
  if (answer.value !== NEW) return model.classes[Number(answer.value)];
  const given = byId("answer-new").value;
  const numbers = model.classes.length > 0 && model.classes.every((known) => typeof known === "number");
  return numbers && given.trim() !== "" && Number.isFinite(Number(given)) ? Number(given) : given;
}

async function learn() {
  const before = model.classes?.length;
  model = await ask("learn", { pairs: readForm(), y: answerGiven() });
  unsaved = true;
  showAbout();
  if (model.classes?.length !== before) makeAnswer();
  await predict();
}

// ---- a file -----------------------------------------------------------------------------------------------------------

async function choose(file) {
  if (!file) return;
  chosen = file;
  const { names } = await ask("head", { file });
  const target = byId("target");
  target.replaceChildren(element("option", text("none"), { value: "" }), ...names.map((name) => element("option", name, { value: name })));
  target.value = names.includes(model.target) ? model.target : "";
  for (const id of ["target", "file-predict", "file-learn"]) byId(id).disabled = false;
  byId("predictions").hidden = true;
  byId("file-state").textContent = text("chosen", { name: brief(file.name), columns: shownCount(names.length) });
}

async function runFile(learns) {
  const target = byId("target").value;
  if (learns && !target) throw new Error("missing_target");
  const buttons = ["file-predict", "file-learn", "learn-button", "save", "open", "file"].map(byId);
  for (const button of buttons) button.disabled = true;
  for (const id of ["progress", "cancel"]) byId(id).hidden = false;
  byId("cancel").focus();
  try {
    model = await ask("file", { file: chosen, learns, target }, ({ rows, share, score }) => {
      byId("progress").value = share;
      byId("file-state").textContent = text("progress", { rows: shownCount(rows) });
      if (learns) showScore(score);
    });
  } finally {
    for (const button of buttons) button.disabled = false;
    for (const id of ["progress", "cancel"]) byId(id).hidden = true;
  }
  unsaved ||= model.learned > 0 && learns;
  showFileDone(learns);
  refresh(readForm());
}

function showFileDone(learns) {
  const { rows, odd, stopped, predictions } = model;
  const done = learns ? text("learned_rows", { rows: shownCount(rows), learned: shownCount(model.learnedRows) }) : text("predicted_rows", { rows: shownCount(rows) });
  byId("file-state").textContent = `${stopped ? text("stopped") : ""}${done}${odd ? ` ${text("odd_rows", { odd: shownCount(odd) })}` : ""}`;
  const link = byId("predictions");
  URL.revokeObjectURL(link.href);
  Object.assign(link, { href: URL.createObjectURL(predictions), hidden: false });
  link.focus();
}

// ---- the model --------------------------------------------------------------------------------------------------------

function refresh(pairs) {
  showAbout();
  makeAnswer();
  makeForm(model.columns, false, predict);
  fillForm(pairs);
  return predict();
}

const sampleToBegin = () => seenSample(model.seen) ?? typicalSample(model.columns);

async function open(bytes) {
  model = await ask("open", { bytes });
  unsaved = false;
  byId("page").hidden = false; // pictures are as wide as their place
  showGood();
  await refresh(sampleToBegin());
  showCode(ownCode());
}

async function save() {
  const bytes = await ask("save");
  const link = element("a", undefined, { href: URL.createObjectURL(new Blob([bytes])), download: "model.hw" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  unsaved = false;
}

/** A value as JavaScript; no name or text of a model can end the script that it is pasted into. */
const asCode = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");

/** A few lines for a page of one's own, with this model's columns. */
function ownCode() {
  const sample = Object.fromEntries(sampleToBegin().filter(([, value]) => value !== null).slice(0, 4));
  const answer = model.classes === null ? 1.5 : (model.classes[0] ?? "yes");
  return [
    '<script type="module">',
    'import { open } from "./headwater.mjs";',
    `const model = await open("model.hw.z"${model.carries ? ', { builds: { whole: "lean.wasm" } }' : ""});`,
    `const x = ${asCode(sample)};`,
    "console.log(await model.predictOne(x));",
    ...(model.unexplained === null ? ["console.log((await model.explainOne(x)).contributions);"] : []),
    ...(model.learns ? [`await model.learnOne(x, ${asCode(answer)});`, "const bytes = await model.save(); // open(bytes) in a page, hw.load(path) in Python"] : []),
    "</script>",
  ].join("\n");
}

// ---- language, theme, events --------------------------------------------------------------------------------------------

function applyTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").dataset.text = theme === "dark" ? "light" : "dark";
  applyLanguage();
}

function listen() {
  byId("language").onclick = () => {
    switchLanguage();
    applyLanguage();
    byId("language").textContent = text("language");
    if (!model) return;
    refresh(readForm());
    showGood();
  };
  byId("theme").onclick = () => {
    const theme = byId("theme").dataset.text;
    keep("theme", theme);
    applyTheme(theme);
  };
  byId("why-part").ontoggle = ({ target }) => {
    if (!target.open || !last || last.explained) return;
    byId("baseline").textContent = text("loading");
    predict();
  };
  byId("clear").onclick = () => {
    byId("form").reset();
    predict();
  };
  byId("file").onchange = ({ target }) => tried(() => choose(target.files[0]));
  byId("file-predict").onclick = () => tried(() => runFile(false));
  byId("file-learn").onclick = () => tried(() => runFile(true));
  byId("cancel").onclick = () => ask("stop");
  byId("save").onclick = () => tried(save);
  byId("open").onchange = ({ target }) => tried(async () => open(await target.files[0].arrayBuffer()));
  const drop = byId("drop");
  drop.ondragover = (event) => {
    event.preventDefault();
    drop.classList.add("over");
  };
  drop.ondragleave = () => drop.classList.remove("over");
  drop.ondrop = (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    tried(() => choose(event.dataTransfer.files[0]));
  };
  addEventListener("beforeunload", (event) => unsaved && event.preventDefault());
}

applyTheme(firstTheme());
byId("language").textContent = text("language");
listen();
await tried(async () => {
  Object.assign(byId("state"), { hidden: false, textContent: text("loading") });
  const response = await fetch("model.hw.z");
  if (!response.ok) throw new Error(`expected model.hw.z beside this page, got HTTP ${response.status}. Export the model anew.`);
  await open(await new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  byId("state").hidden = true;
});
