// Where people label rows: the server hands each row to one of them. The last label is held back until the next, so that it can be taken back.
import { byId, element } from "../shared/dom.js";
import { addTexts, applyLanguage, switchLanguage, text } from "../shared/language.js";
import { request } from "../shared/request.js";
import { applyTheme, firstTheme, isDark } from "../shared/theme.js";
import { LABEL } from "./texts.js";

const LATELY = 20, WAIT_MS = 3000;
const model = new URLSearchParams(location.search).get("model");
const base = model ? `/models/${encodeURIComponent(model)}` : "";
const again = [], right = [];
let task = null, held = null, given = 0, busy = false, timer = 0;

const post = (path, body) => request("POST", `${base}${path}`, body);

// One step at a time: keys that are pressed while one runs are dropped.
async function step(work) {
  if (busy) return;
  busy = true;
  byId("problem").textContent = "";
  try { await work(); } catch (error) { byId("problem").textContent = error.message; }
  busy = false;
  show();
}

async function keep() {
  if (!held) return;
  const { row, label } = held;
  held = null;
  await post("/label", { id: row.id, y: label });
  given += 1;
  right.push(row.y_pred === label);
  if (right.length > LATELY) right.shift();
}

async function next() {
  clearTimeout(timer);
  task = again.pop() ?? await post("/labels/next");
  if (task.id === null) timer = setTimeout(() => step(next), WAIT_MS);
}

const choose = (label) => step(async () => { await keep(); held = { row: task, label }; await next(); });
const skip = () => step(async () => { await post("/labels/release", { id: task.id }); await next(); });

function undo() {
  if (!held) return;
  if (task?.id) again.push(task);
  task = held.row;
  held = null;
  show();
}

function show() {
  document.title = `headwater · ${text("tab_label")}`;
  byId("theme").textContent = text(isDark() ? "light" : "dark");
  byId("language").textContent = text("language");
  const there = Boolean(task?.id);
  byId("task").hidden = !there;
  byId("waiting").textContent = !task ? "" : there ? text("waiting", { n: task.waiting }) : text("none");
  byId("brought").textContent = given ? text("brought", { n: given, last: right.length, right: right.filter(Boolean).length }) : "";
  byId("undo").disabled = !held;
  if (there) showTask();
}

function showTask() {
  byId("row").replaceChildren(...Object.entries(task.x).map(([name, value]) => {
    const line = element("tr");
    line.append(element("th", name, { scope: "row" }), element("td", value === null ? "" : String(value)));
    return line;
  }));
  byId("classes").replaceChildren(...task.classes.map((label, i) => {
    const button = element("button", undefined, { type: "button", className: label === task.y_pred ? "proposed" : "", onclick: () => choose(label) });
    const share = task.proba?.[String(label)];
    if (i < 9) button.append(element("kbd", String(i + 1)));
    button.append(String(label));
    if (share !== undefined) button.append(element("small", `${Math.round(100 * share)} %`));
    return button;
  }));
}

function press(event) {
  if (event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey || event.altKey || !task?.id) return;
  const number = /^[1-9]$/.test(event.key) ? task.classes[Number(event.key) - 1] : undefined;
  if (number !== undefined) choose(number);
  else if (event.key === "Enter" && event.target.tagName !== "BUTTON" && task.y_pred !== null && task.y_pred !== undefined) choose(task.y_pred);
  else if (event.key === "s") skip();
  else if (event.key === "u") undo();
}

// What is held back is learned, and what nobody has labeled goes to others.
function leave() {
  const send = (path, body) => fetch(`${base}${path}`, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" }, keepalive: true });
  if (held) send("/label", { id: held.row.id, y: held.label });
  held = null;
  for (const row of [task, ...again]) if (row?.id) send("/labels/release", { id: row.id });
  task = null;
}

addTexts(LABEL);
applyTheme(firstTheme());
applyLanguage();
byId("language").onclick = () => { switchLanguage(); show(); };
byId("theme").onclick = () => { applyTheme(isDark() ? "light" : "dark"); show(); };
byId("skip").onclick = skip;
byId("undo").onclick = undo;
byId("other").onsubmit = (event) => {
  event.preventDefault();
  choose(byId("name").value.trim());
  byId("name").value = "";
  document.activeElement.blur(); // so that Enter takes the next proposal
};
byId("login").onsubmit = async (event) => {
  event.preventDefault();
  try {
    await request("POST", "/login", { token: byId("token").value });
    byId("login").hidden = true;
    step(next);
  } catch (error) { byId("login-problem").textContent = error.message; }
};
addEventListener("keydown", press);
addEventListener("pagehide", leave);
step(next);
