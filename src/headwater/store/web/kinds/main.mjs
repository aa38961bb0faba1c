// A learned model of any kind on a page: what is particular to its kind is said in the module of its name (`show`, `teach`), and asked
// of the worker that holds the learner.

import { byId, element, fillForm, makeForm, readForm, showCode, typicalSample } from "./form.mjs";
import { seenSample, showBefore, showLines } from "./good.mjs";
import { QUESTIONS } from "./questions.mjs";
import { applyLanguage, firstTheme, keep, language, shownCount, switchLanguage, text } from "./texts.mjs";
import { Words } from "./words.mjs";

const worker = new Worker("worker.mjs", { type: "module" });
const waiting = new Map();
let asked = 0;
let model = null; // what the worker says about it
let view = null; // the module of its kind, with words
let unsaved = false;
let showing = Promise.resolve();

function ask(what, given = {}) {
  const id = ++asked;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, what, given });
  });
}

worker.onmessage = ({ data: { id, answer, error } }) => {
  const one = waiting.get(id);
  waiting.delete(id);
  return error === undefined ? one.resolve(answer) : one.reject(new Error(error));
};

/** What a view may ask of the learner: a method by its name, or properties. */
const learner = {
  call: (name, ...given) => ask("call", { name, given }),
  get: (...names) => ask("get", { names }),
};

async function tried(work) {
  try {
    byId("state").hidden = true;
    await work();
  } catch (error) {
    Object.assign(byId("state"), { hidden: false, className: "wrong", textContent: error.message });
  }
}

/** The sample in the form, without what is empty. */
const sample = () => new Map(readForm().filter(([, value]) => value !== null));

/** Say what the learner says of the form, when what was asked before is there. */
function show() {
  showing = showing.then(() => tried(async () => {
    const nothing = !model.learned;
    byId("picture").replaceChildren();
    byId("unsaid").textContent = "";
    if (nothing) byId("said").textContent = text("nothing");
    else await view.show({ learner, x: sample(), said: byId("said"), unsaid: byId("unsaid"), picture: byId("picture"), words: view.words });
  }));
  return showing;
}

function showScore() {
  if (!showLines(byId("score"), view.score())) byId("score").textContent = view.words("unscored");
}

/** Learn what the view makes of the form, then show all as it is now. */
const learned = (work) => tried(async () => {
  await work();
  unsaved = true;
  model = await ask("about");
  showAbout();
  await show();
});

async function makeTeach() {
  const form = byId("learn");
  form.replaceChildren();
  await view.teach({ learner, form, sample, learned, show, clear: () => byId("form").reset(), words: view.words });
}

function showAbout() {
  const target = model.notes.target ?? null;
  const { question, about } = QUESTIONS[model.kind][language()];
  byId("title").textContent = target ?? question;
  document.title = `${target ?? question} · headwater`;
  byId("about").textContent = `${target ? `${question} · ` : ""}${view.words("learned", { n: shownCount(model.learned) })}`;
  byId("about-kind").textContent = about;
  byId("form-title").textContent = view.words("form");
  byId("said-title").textContent = view.words("said");
  byId("learn-title").textContent = view.words("learn_title");
  byId("score-note").textContent = view.words("note");
  byId("code-help").textContent = view.words.shared("code");
  byId("form-card").hidden = !model.columns.length;
  for (const part of document.querySelectorAll("[data-learns]")) part.hidden = !model.learns;
  showCode(view.code(codeOf()).split("\n").filter((line) => model.learns || !line.startsWith("model.learn")).join("\n"));
  showScore();
}

/** The sample in the form as JavaScript; no name or text of a model can end the script that it is pasted into. */
const codeOf = () => JSON.stringify(Object.fromEntries([...sample()].slice(0, 4))).replaceAll("<", "\\u003c");

async function refresh(pairs) {
  makeForm(view.columns?.(model.columns) ?? model.columns, false, show);
  fillForm(pairs);
  showAbout();
  await makeTeach();
  await show();
}

async function open(bytes) {
  model = await ask("open", { bytes });
  const module = await import(`./${model.kind.toLowerCase()}.mjs`);
  view = { ...(await module.begin(learner)), words: Words(module.WORDS) };
  unsaved = false;
  byId("page").hidden = false; // pictures are as wide as their place
  showGood();
  await refresh(seenSample(model.notes.seen) ?? typicalSample(model.columns));
}

/** Show how good the model was before this page, when there is room to draw in. */
const showGood = () => showBefore(model.notes.score, model.learns);


async function save() {
  const bytes = await learner.call("save");
  const link = element("a", undefined, { href: URL.createObjectURL(new Blob([bytes])), download: "model.hw" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  unsaved = false;
}

function applyTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").dataset.text = theme === "dark" ? "light" : "dark";
  applyLanguage();
}

byId("language").onclick = () => {
  switchLanguage();
  applyLanguage();
  byId("language").textContent = text("language");
  if (!model) return;
  tried(() => refresh(readForm()));
  showGood();
};
byId("theme").onclick = () => {
  const theme = byId("theme").dataset.text;
  keep("theme", theme);
  applyTheme(theme);
};
byId("clear").onclick = () => {
  byId("form").reset();
  show();
};
byId("save").onclick = () => tried(save);
byId("open").onchange = ({ target }) => tried(async () => open(await target.files[0].arrayBuffer()));
addEventListener("beforeunload", (event) => unsaved && event.preventDefault());

applyTheme(firstTheme());
byId("language").textContent = text("language");
await tried(async () => {
  Object.assign(byId("state"), { hidden: false, textContent: text("loading") });
  const response = await fetch("model.hw.z");
  if (!response.ok) throw new Error(`expected model.hw.z beside this page, got HTTP ${response.status}. Export the model anew.`);
  await open(await response.arrayBuffer());
  byId("state").hidden = true;
});
