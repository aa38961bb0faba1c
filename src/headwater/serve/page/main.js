// One stream of events, one frame a second; what is slow to make (weights, importance) is asked for every few seconds.
import { answered, ask } from "/page/ask.js";
import * as charts from "/page/charts.js";
import { told } from "/page/refusals.js";
import * as words from "/page/words.js";

const { say } = words;
const by = (id) => document.getElementById(id);
const state = { model: "", frame: null, points: [], weights: [], activations: [], source: null, tick: 0 };
const KEPT = 600;

function node(tag, text, more = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return Object.assign(made, more);
}

async function does(work) {
  by("said").textContent = "";
  try { await work(); by("said").textContent = say("done"); } catch (error) { by("said").textContent = error.message; }
}

function connect() {
  state.source?.close();
  state.source = new EventSource(`/events${state.model ? `?model=${encodeURIComponent(state.model)}` : ""}`);
  state.source.onopen = () => link(true);
  state.source.onmessage = (event) => { link(true); take(JSON.parse(event.data)); };
  state.source.onerror = () => {
    link(false);
    if (state.source.readyState === EventSource.CLOSED) retry(); // refused: a token is missing, or the server is starting
  };
}

async function retry() {
  const answer = await fetch("/models").catch(() => null);
  if (answer?.status === 401) { by("login").hidden = false; return; }
  setTimeout(connect, 1500);
}

function link(on) {
  by("link").textContent = say(on ? "on" : "off");
  by("link").className = `link ${on ? "on" : "off"}`;
}

function take(frame) {
  const promoted = state.frame?.name === frame.name && state.frame.learners[0].name !== frame.learners[0].name;
  state.frame = frame;
  state.model ||= frame.name;
  if (promoted) { connect(); return; } // the new champion has a past of its own
  if (frame.past) state.points = frame.past;
  if (frame.now.t > (state.points.at(-1)?.t ?? 0)) state.points = [...state.points, frame.now].slice(-KEPT);
  show();
  if (state.tick++ % 5 === 0 && frame.seq && !document.hidden) slow();
}

async function slow() {
  try {
    state.weights = await ask("GET", `/models/${state.model}/weights`);
    state.activations = await ask("GET", `/models/${state.model}/activations`);
    drawSlow();
  } catch (error) { by("said").textContent = error.message; }
}

function drawSlow() {
  charts.maps("maps", state.weights);
  charts.maps("activations", state.activations);
}

const percent = (value) => (value == null ? "–" : `${(100 * value).toFixed(1)} %`);
const figure = (value) => (value == null ? "–" : value.toPrecision(4));

function show() {
  const frame = state.frame, scores = frame.learners[0].scores, classes = frame.task === "classify";
  const names = ["model", "no-change", classes ? "majority" : "mean"], key = classes ? "accuracy" : "mae", form = classes ? percent : figure;
  by("empty").hidden = scores.n > 0;
  by("example").textContent = `curl -X POST ${location.origin}/models/${frame.name}/learn \\\n  -H 'content-type: application/json' \\\n  -d '{"x": {"hour": 8, "from": "JFK"}, "y": ${classes ? '"late"' : "12.5"}}'`;
  const numbers = [
    [frame.learners[0].n_learned.toLocaleString(), say("learned")], [form(scores.window.model[key]), `${say(key)}, ${say("lately")}`],
    [form(scores.model[key]), say(key)], [form(scores.window[names[2]][key]), `${say(names[2])}, ${say("lately")}`],
    [Math.round(frame.now.rate).toLocaleString(), say("persecond")], [frame.seq.toLocaleString(), say("sequence")],
  ];
  by("numbers").replaceChildren(...numbers.map(([value, name]) => {
    const box = node("div", undefined, { className: "number" });
    box.append(node("b", value), node("span", name));
    return box;
  }));
  if (!frame.ready) by("said").textContent = say("notready");
  charts.score(frame, names);
  by("score-text").textContent = `${say(key)}, ${say("lately")}: ${names.map((name, i) => `${i ? say(name) : frame.name} ${form(scores.window[name][key])}`).join(" · ")}`;
  charts.loss(frame);
  charts.rate(state.points);
  charts.latencies(state.points);
  if (frame.importance.length) charts.importance(frame.importance);
  by("calibration-card").hidden = !classes;
  if (classes) charts.calibration(scores.calibration);
  by("experts-card").hidden = frame.experts.length < 2;
  if (frame.experts.length > 1) charts.experts(state.points, frame.experts);
  by("latency").textContent = say("latency") + Object.entries(frame.now.latency)
    .map(([name, value]) => `${name} ${value.p50.toFixed(1)} / ${value.p99.toFixed(1)} ms`).join(" · ");
  tables(frame, key, form);
}

function tables(frame, key, form) {
  const head = (...names) => { const row = node("tr"); row.append(...names.map((name) => node("th", name, { scope: "col" }))); return row; };
  by("recent").replaceChildren(head(say("number"), say("said"), say("answer"), say("sample")), ...frame.recent.map((item) => {
    const row = node("tr"), right = item.said === item.y;
    const mark = frame.task === "classify" ? (right ? "✓ " : "✗ ") : "";
    row.append(node("td", item.seq), node("td", mark + item.said, { className: mark ? (right ? "right" : "wrong") : "" }), node("td", item.y),
      node("td", Object.entries(item.x).map(([name, value]) => `${name} ${value}`).join(", ")));
    return row;
  }));
  learners(frame, key, form, head);
  const rejected = Object.entries(frame.learners[0].rejected);
  by("rejected").replaceChildren(...(rejected.length ? rejected.map(([reason, count]) => node("p", `${count.toLocaleString()} × ${reason}: ${say(`why_${reason}`)}`)) : [node("p", say("nothingrejected"))]));
  by("refused").replaceChildren(...(frame.refused.length ? [head(say("time"), say("address"), say("why"))] : []), ...frame.refused.map((item) => {
    const row = node("tr");
    row.append(node("td", new Date(item.t).toLocaleTimeString()), node("td", `${item.endpoint} ${item.status}`), node("td", told(item)));
    return row;
  }));
  by("step").textContent = say("stepnow") + frame.learners[0].step;
  by("pause").textContent = say(frame.paused ? "resume" : "pause");
  by("file").href = `/models/${frame.name}/file`;
  by("onnx").href = `/models/${frame.name}/onnx`;
  const select = by("model");
  if ([...select.options].map((option) => option.value).join() !== frame.models.join()) select.replaceChildren(...frame.models.map((name) => node("option", name, { value: name })));
  select.value = frame.name;
}

// Rows stay while their learners do: a button that is made anew under a finger is not pressed.
function learners(frame, key, form, head) {
  const table = by("learners"), shown = JSON.stringify([document.documentElement.lang, frame.name, key, frame.learners.map((learner) => [learner.name, learner.champion])]);
  if (table.dataset.shown !== shown) {
    table.dataset.shown = shown;
    table.replaceChildren(head(say("name"), say("role"), say("learned"), `${say(key)}, ${say("lately")}`, say(key), say("stepshort")), ...frame.learners.map((learner) => {
      const row = node("tr"), role = node("td", learner.champion ? say("champion") : undefined), path = `/models/${frame.name}/challengers/${learner.name}`;
      if (!learner.champion) {
        role.append(node("button", say("promote"), { type: "button", onclick: () => does(() => ask("POST", `${path}/promote`)) }), " ",
          node("button", say("remove"), { type: "button", onclick: () => does(() => ask("DELETE", path)) }));
      }
      row.append(node("td", learner.name), role, ...Array.from({ length: 4 }, () => node("td")));
      return row;
    }));
  }
  frame.learners.forEach((learner, i) => {
    const values = [learner.n_learned.toLocaleString(), form(learner.scores.window.model[key]), form(learner.scores.model[key]), `× ${learner.step}`];
    values.forEach((value, j) => { table.rows[i + 1].cells[j + 2].textContent = value; });
  });
}

function dress(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
  by("theme").textContent = say(theme === "dark" ? "light" : "dark");
}

function speak() {
  words.speak();
  charts.named();
  by("language").textContent = say("language");
  dress(document.documentElement.dataset.theme);
  if (state.frame) { show(); drawSlow(); }
}

by("language").onclick = () => { words.change(); by("said").textContent = by("login-problem").textContent = ""; speak(); };
by("theme").onclick = () => { dress(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); if (state.frame) { show(); drawSlow(); } };
by("model").onchange = () => { state.model = by("model").value; connect(); };
by("pause").onclick = () => does(() => ask("POST", `/models/${state.model}/${state.frame.paused ? "resume" : "pause"}`));
by("snapshot").onclick = () => does(() => ask("POST", "/snapshot"));
for (const id of ["file", "onnx"]) by(id).onclick = (event) => { // fetched, so that a refusal is told and not saved
  event.preventDefault();
  does(async () => {
    const answer = await answered(by(id).href);
    const link = node("a", undefined, { href: URL.createObjectURL(await answer.blob()), download: `${state.model}.${id === "file" ? "hw" : "onnx"}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
};
by("stepping").onsubmit = (event) => {
  event.preventDefault();
  does(() => ask("POST", `/models/${state.model}/step`, { factor: Number(by("factor").value) }));
};
by("challenge").onsubmit = (event) => {
  event.preventDefault();
  const hidden = by("sizes").value ? by("sizes").value.split(",").map(Number) : null;
  does(() => ask("POST", `/models/${state.model}/challengers`, { name: by("challenger").value, hidden }));
};
by("login").onsubmit = async (event) => {
  event.preventDefault();
  try { await ask("POST", "/login", { token: by("token").value }); by("login").hidden = true; by("login-problem").textContent = ""; connect(); } catch (error) { by("login-problem").textContent = error.message; }
};

// Plotly's script is a classic one that sets a global; a module waits for it.
const script = node("script", undefined, { src: "/page/plotly.js", onload: connect, onerror: () => { by("said").textContent = "pip install 'headwater[serve]'"; } });
dress(localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
speak();
document.head.append(script);
