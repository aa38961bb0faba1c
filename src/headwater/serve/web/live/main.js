// The live page. connection.js receives a message a second; overview.js shows the first screen, the other files the details.
import { byId, element } from "../shared/dom.js";
import { addTexts, applyLanguage, current, gap, switchLanguage, text } from "../shared/language.js";
import { request } from "../shared/request.js";
import { applyTheme, firstTheme, isDark } from "../shared/theme.js";
import * as charts from "./charts.js";
import { connect } from "./connection.js";
import { showControls, wireControls } from "./controls.js";
import { drawHeatmaps, loadHeatmaps } from "./heatmaps.js";
import { showLearners } from "./learners.js";
import { showOverview, showState } from "./overview.js";
import { has, state, words } from "./state.js";
import { showActions, showAlarms, showHappened, showKeys, showOutputs, showPolicies, showRecent, showRefused, showRejected, showRoutes } from "./tables.js";
import { LIVE } from "./texts.js";
import { comparisonsOf, figure } from "./verdict.js";

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
  charts.score(frame);
  byId("score-text").textContent = scoreText(frame);
  byId("score-title").textContent = words(frame, "curve");
  byId("score").setAttribute("aria-label", words(frame, "curve"));
  showPanels(frame);
  if (isOpen("features") && frame.importance.length) charts.importance(frame.importance);
  if (isOpen("inside") && frame.experts.length > 1) charts.experts(points, frame.experts);
  if (isOpen("manage")) { showLearners(frame); showControls(frame); }
  if (isOpen("server")) showServer(frame, points);
}

// The parts that the model's kind declares.
function showPanels(frame) {
  for (const panel of ["series", "scores", "alarms", "actions", "routes", "calibration"]) byId(`${panel}-card`).hidden = !has(frame, panel);
  byId("outputs-card").hidden = comparisonsOf(frame.learners[0]).length < 2;
  byId("keys-card").hidden = frame.keys === null;
  byId("happened-card").hidden = !frame.happened.length;
  showHappened(frame);
  byId("experts-card").hidden = frame.experts.length < 2;
  byId("scores").hidden = !has(frame, "loss");
  byId("features").hidden = !frame.can.includes("losses");
  byId("recent-card").hidden = !frame.recent.length;
  showRecent(frame);
  byId("inside").hidden = !frame.can.includes("layers");
  if (has(frame, "alarms")) showAlarms(frame);
  if (has(frame, "actions")) { showActions(frame); showPolicies(frame); }
  if (has(frame, "routes") && frame.series) { showRoutes(frame); charts.frontier(frame.series, comparisonsOf(frame.learners[0])[0]?.overall.model); }
  if (has(frame, "scores") && frame.series) charts.scores(frame.series);
  if (!byId("outputs-card").hidden) showOutputs(frame);
  if (frame.keys) showKeys(frame);
  if (has(frame, "series") && frame.series) { charts.series(frame.series); byId("series-text").textContent = seriesText(frame.series); }
  if (!isOpen("scores") || byId("scores").hidden) return;
  charts.loss(frame);
  if (has(frame, "calibration")) charts.calibration(frame.learners[0].scores.calibration);
}

function scoreText(frame) {
  const { coverage } = frame, { unscored } = frame.learners[0].scores, size = coverage && figure(coverage.size_lately, 2);
  const inside = coverage ? [text(has(frame, "classes") ? "coverage_classify" : "coverage_regress", { n: (100 * coverage.lately).toFixed(1), size })] : [];
  return [...inside, ...(unscored ? [text("not_scored", { n: unscored.toLocaleString("en-US") })] : [])].join(gap());
}

// What comes next in words, for those who see no chart.
function seriesText({ y_pred, fan, known }) {
  if (!y_pred.length) return "";
  const [{ low, high }] = fan, next = text("series_next", { value: figure(y_pred[0]) }), last = text("series_last", { n: y_pred.length, value: figure(y_pred.at(-1)) });
  const ends = low[0] === null ? text("series_no_ends") : text("series_ends", { low: figure(low[0]), high: figure(high[0]) });
  return [next, ends, ...(y_pred.length > 1 ? [last] : []), ...(known ? [text("series_known", { n: known })] : [])].join(gap());
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
