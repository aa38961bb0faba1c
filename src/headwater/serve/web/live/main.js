// The live page. connection.js receives a message a second; overview.js shows the first screen, the other files the details.
import { byId, element } from "../shared/dom.js";
import { addTexts, applyLanguage, current, switchLanguage, text } from "../shared/language.js";
import { request } from "../shared/request.js";
import { applyTheme, firstTheme, isDark } from "../shared/theme.js";
import * as charts from "./charts.js";
import { connect } from "./connection.js";
import { showControls, wireControls } from "./controls.js";
import { drawHeatmaps, loadHeatmaps } from "./heatmaps.js";
import { showLearners } from "./learners.js";
import { showOverview, showState } from "./overview.js";
import { baselineNames, isAgent, isBandit, isClassifier, isDetector, isForecaster, isOther, isOutputs, scoreName, state } from "./state.js";
import { showAlarms, showRecent, showRefused, showRejected } from "./tables.js";
import { LIVE } from "./texts.js";
import { figure, plain, show } from "./verdict.js";

const HEATMAPS_EVERY = 5; // messages
let messages = 0;

const groups = () => document.querySelectorAll("details[id]");
const isOpen = (id) => byId(id).open;

// Show the last message. What is closed is not drawn.
function showAll() {
  showState();
  const { frame, points } = state;
  if (!frame) return;
  showOverview();
  showModels(frame);
  charts.score(frame, baselineNames(frame));
  byId("score-text").textContent = scoreText(frame);
  byId("score-title").textContent = isOther(frame) ? text("score_other", { score: plain(scoreName(frame)) }) : text(`score_${frame.task}`);
  byId("calibration-card").hidden = !isClassifier(frame);
  byId("experts-card").hidden = frame.experts.length < 2;
  byId("scores").hidden = isDetector(frame) || isBandit(frame) || isAgent(frame) || isOutputs(frame) || isOther(frame);
  byId("importance-card").hidden = !frame.can.includes("losses");
  byId("alarms-card").hidden = !isDetector(frame);
  byId("inside").hidden = !frame.can.includes("layers");
  byId("series-card").hidden = !isForecaster(frame);
  if (isDetector(frame)) showAlarms(frame);
  if (isForecaster(frame) && frame.series) { charts.series(frame.series); byId("series-text").textContent = seriesText(frame.series); }
  if (isOpen("scores") && !byId("scores").hidden) { charts.loss(frame); if (isClassifier(frame)) charts.calibration(frame.learners[0].scores.calibration); }
  if (isOpen("features")) { showRecent(frame); if (frame.importance.length) charts.importance(frame.importance); }
  if (isOpen("inside") && frame.experts.length > 1) charts.experts(points, frame.experts);
  if (isOpen("manage")) { showLearners(frame); showControls(frame); }
  if (isOpen("server")) showServer(frame, points);
}

function scoreText(frame) {
  const { window, unscored } = frame.learners[0].scores, key = scoreName(frame);
  if (isAgent(frame)) return `${text("return_mean")} ${figure(window.model.return)}`;
  if (isDetector(frame)) return [`${text("mean_score_line")} ${figure(window.model.mean_score)}`, `${text("alarms_line")} ${show(frame, window.model.alarms)}`,
    ...(window.model.auc == null ? [] : [`AUC ${figure(window.model.auc)}`])].join(" · ");
  const scores = ["model", ...baselineNames(frame)].map((name) => `${text(name === "model" ? "model_line" : name)} ${show(frame, window[name][key])}`);
  const { coverage } = frame, inside = coverage ? `. ${text(`coverage_${frame.task}`, { n: (100 * coverage.lately).toFixed(1), size: figure(coverage.size_lately) })}` : "";
  return `${scores.join(" · ")}${inside}${unscored ? `. ${text("not_scored", { n: unscored.toLocaleString() })}` : ""}`;
}

// What comes next in words, for those who see no chart.
function seriesText({ y_pred, low, high, known }) {
  if (!y_pred.length) return "";
  const next = text("series_next", { value: figure(y_pred[0]) }), last = text("series_last", { n: y_pred.length, value: figure(y_pred.at(-1)) });
  const ends = low[0] === null ? text("series_no_ends") : text("series_ends", { low: figure(low[0]), high: figure(high[0]) });
  return [next, ends, ...(y_pred.length > 1 ? [last] : []), ...(known ? [text("series_known", { n: known })] : [])].join(" ");
}

function showServer(frame, points) {
  charts.rate(points);
  charts.latencies(points);
  byId("latency").textContent = text("latency") + Object.entries(frame.now.latency)
    .map(([name, value]) => `${name} ${value.p50.toFixed(1)} / ${value.p99.toFixed(1)} ms`).join(" · ");
  showRejected(frame);
  showRefused(frame);
}

function showModels(frame) {
  const select = byId("model"), known = [...select.options].map((option) => option.value);
  if (known.join() !== frame.models.join()) select.replaceChildren(...frame.models.map((name) => element("option", name, { value: name })));
  select.value = frame.name;
  byId("choose-model").hidden = frame.models.length < 2;
}

async function onMessage() {
  showAll();
  if (messages++ % HEATMAPS_EVERY === 0 && isOpen("inside") && !byId("inside").hidden && state.frame.seq && !document.hidden) await refreshHeatmaps();
}

async function refreshHeatmaps() {
  try { await loadHeatmaps(); } catch (error) { byId("status").textContent = error.message; }
}

function redraw() {
  byId("language").textContent = text("language");
  byId("theme").textContent = text(isDark() ? "light" : "dark");
  document.title = `headwater · ${text("tab_live")}`;
  charts.labelCharts();
  drawHeatmaps();
  showAll();
}

// Which parts are open is remembered.
function wireGroups() {
  const open = JSON.parse(localStorage.getItem("open") ?? "[]");
  for (const group of groups()) {
    group.open = open.includes(group.id);
    group.ontoggle = () => {
      localStorage.setItem("open", JSON.stringify([...groups()].filter((one) => one.open).map((one) => one.id)));
      if (!group.open) return;
      showAll();
      if (group.id === "inside" && !group.hidden && state.frame?.seq) refreshHeatmaps();
    };
  }
}

byId("language").onclick = () => { switchLanguage(); byId("status").textContent = byId("login-problem").textContent = ""; redraw(); };
byId("theme").onclick = () => { applyTheme(isDark() ? "light" : "dark"); redraw(); };
byId("model").onchange = () => { state.model = byId("model").value; connect(); };
byId("login").onsubmit = async (event) => {
  event.preventDefault();
  try {
    await request("POST", "/login", { token: byId("token").value });
    byId("login").hidden = true;
    byId("login-problem").textContent = "";
    connect();
  } catch (error) { byId("login-problem").textContent = error.message; }
};

if (location.hash.startsWith("#playground")) location.replace(`/page/playground/index.html#${location.hash.split("?")[1] ?? ""}`); // an older address
addTexts(LIVE);
applyTheme(firstTheme());
applyLanguage();
wireGroups();
wireControls();
redraw();
// Plotly's script is a classic one that sets a global; a module waits for it.
const script = element("script", undefined, { src: "/page/plotly.js" });
script.onload = () => connect({ onMessage, onLink: showState });
script.onerror = () => { byId("state").textContent = text("missing_plotly"); };
document.head.append(script);
document.documentElement.lang = current();
