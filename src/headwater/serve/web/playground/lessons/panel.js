// The lessons on the page: a row of tasks, the one that was begun with its goals, and what was reached.
import { byId, element } from "../../shared/dom.js";
import { text } from "../../shared/language.js";
import { change, reset, showStatus, stop } from "../run.js";
import { settings, state } from "../state.js";
import { LESSONS, defaultsOf, reached } from "./lessons.js";

const KEPT = "lessons done"; // in this browser

let done = 0; // goals of the lesson that is on
const finished = () => new Set(JSON.parse(localStorage.getItem(KEPT) ?? "[]"));

/** Begin a lesson: with its own settings, and a new net. */
export async function begin(name) {
  stop();
  done = Infinity; // nothing is reached until the new net is there
  await change({ ...defaultsOf(name), lesson: name });
  await reset();
  showStatus("");
  restart();
  byId("play-goals").focus();
}

/** Look at the goals from the first on. */
export function restart() {
  done = 0;
  showLessons();
}

async function leave() {
  await change({ lesson: "" });
  showLessons();
  byId("play-lessons").querySelector("button").focus();
}

/** Look whether the next goal is reached. */
export function check() {
  const { lesson } = settings;
  if (!Object.hasOwn(LESSONS, lesson)) return;
  const now = reached(lesson, done, { ...state.frame, settings: state.netSettings, marks: state.marks });
  if (now === done) return;
  done = now;
  const all = done === LESSONS[lesson].goals.length;
  if (all) localStorage.setItem(KEPT, JSON.stringify([...finished(), lesson]));
  showLessons();
  byId("play-reached").textContent = text(all ? "lessondone" : "goalreached", { n: done });
}

/** Show the row of lessons, and the one that is on. */
export function showLessons() {
  const known = finished(), on = Object.hasOwn(LESSONS, settings.lesson) ? settings.lesson : "";
  byId("play-lessons-title").textContent = text("lessons");
  byId("play-lesson-names").replaceChildren(...Object.keys(LESSONS).map((name, i) => {
    const button = element("button", `${known.has(name) ? "✓ " : ""}${i + 1} · ${text(`lesson_${name}`)}`, { type: "button", onclick: () => begin(name) });
    button.dataset.lesson = name;
    button.setAttribute("aria-pressed", String(name === on));
    return button;
  }));
  byId("play-task").replaceChildren(...(on ? task(on) : []));
  byId("play-reached").textContent = "";
}

function task(name) {
  const { goals } = LESSONS[name], list = element("ol", undefined, { id: "play-goals", tabIndex: -1 });
  list.append(...goals.map((_, i) => {
    const goal = element("li", text(`lesson_${name}_${i + 1}`), { className: i < done ? "done" : i === done ? "now" : "" });
    if (i < done) goal.prepend(element("span", `✓ ${text("reachedword")} `, { className: "tick" }));
    return goal;
  }));
  const row = element("div", undefined, { className: "controls" });
  row.append(element("button", text("lessonagain"), { type: "button", onclick: () => begin(name) }), element("button", text("lessonclose"), { type: "button", onclick: leave }));
  const moral = done === goals.length ? [element("p", text(`lesson_${name}_moral`), { className: "moral" })] : [];
  return [element("p", text(`lesson_${name}_why`)), list, ...moral, row];
}
