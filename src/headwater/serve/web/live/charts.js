// Charts by Plotly's own script, served from its Python package.
import { byId, element } from "../shared/dom.js";
import { text } from "../shared/language.js";
import { css, isDark } from "../shared/theme.js";
import { inShares, isAgent, isDetector, isOther } from "./state.js";

// Okabe & Ito 2008: told apart by everyone; then grey and brown.
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#8c564b"];
const LIGHTER = ["#4aa3e0", "#f08a4b", "#2fbf93", "#e09cc4", "#f0b53c", "#8fd0f5", "#a8a8a8", "#c79a90"];
const colour = (i) => (isDark() ? LIGHTER : COLOURS)[i % COLOURS.length];

function layout(more = {}) {
  const axis = { gridcolor: css("--line"), zerolinecolor: css("--line"), automargin: true };
  const title = more.xaxis?.title && { title: { ...more.xaxis.title, standoff: 2 } };
  const below = { orientation: "h", y: title ? -0.4 : -0.2, yanchor: "top", font: { size: 10 } }; // below the axis and its title
  return {
    margin: { l: 44, r: 10, t: 8, b: 34 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: css("--text"), size: 12 }, legend: innerWidth < 600 ? below : { orientation: "h", y: 1.14 }, ...more,
    xaxis: { ...axis, ...more.xaxis, ...title }, yaxis: { ...axis, ...more.yaxis },
  };
}

export function labelCharts() { // an empty chart says that it waits for data
  for (const node of document.querySelectorAll(".chart")) {
    node.setAttribute("aria-label", node.parentElement.querySelector("h2").textContent);
    if (!node.querySelector(".main-svg")) node.replaceChildren(element("p", text("waiting_chart"), { className: "text waiting" }));
  }
}

function draw(id, traces, more) {
  const node = byId(id);
  if (!node.clientWidth || !traces.some((trace) => trace.x.length)) return; // in a part that is closed; or nothing to draw yet
  node.querySelector(".waiting")?.remove();
  Plotly.react(node, traces, layout(more), { displayModeBar: false, responsive: true });
}

const line = (name, x, y, ink, more = {}) => ({ type: "scatter", mode: "lines", name, x, y, line: { color: ink, width: 2, ...more } });

export function score(frame, baselines) {
  if (isDetector(frame)) { detector(frame); return; }
  if (isAgent(frame)) { returns(frame); return; }
  const points = frame.history.points, x = points.map((p) => p[0]), classes = inShares(frame), n = baselines.length;
  const at = { "no-change": 2, "best fixed": 4 }; // where a baseline stands in a point; another one stands third
  const traces = [...baselines.map((name, i) => line(text(name), x, points.map((p) => p[isOther(frame) ? i + 2 : (at[name] ?? 3)]), css("--soft"), { dash: ["dot", "dash"][i % n], width: 1.3 })),
    line(text("model_line"), x, points.map((p) => p[1]), colour(0), { width: 3 })];
  const shapes = frame.history.drift.map((row) => ({ type: "line", x0: row, x1: row, yref: "paper", y0: 0, y1: 1, line: { color: colour(3), dash: "dash", width: 1 } }));
  const annotations = frame.history.drift.slice(-3).map((row) => ({ x: row, yref: "paper", y: 1, text: text("drift"), showarrow: false, font: { color: css("--text"), size: 10 }, bgcolor: css("--card") }));
  draw("score", traces, { shapes, annotations, xaxis: { title: { text: text("rows_learned") } }, yaxis: classes ? { tickformat: ".0%" } : {} });
}

function detector(frame) { // two scales: mean scores lie around one half, shares of alarms near nothing
  const { points, drift } = frame.history, x = points.map((p) => p[0]);
  const shares = { ...line(text("alarms_line"), x, points.map((p) => p[2]), colour(1)), yaxis: "y2" };
  const shapes = drift.map((row) => ({ type: "line", x0: row, x1: row, yref: "paper", y0: 0, y1: 1, line: { color: colour(3), dash: "dash", width: 1 } }));
  draw("score", [line(text("mean_score_line"), x, points.map((p) => p[1]), colour(0), { width: 3 }), shares], {
    shapes, margin: { l: 44, r: 54, t: 8, b: 34 }, xaxis: { title: { text: text("rows_learned") } }, yaxis: { range: [0, 1] },
    yaxis2: { overlaying: "y", side: "right", tickformat: ".1%", rangemode: "tozero", showgrid: false, color: css("--text") },
  });
}

function returns(frame) { // each episode's sum of rewards, and the mean of the last hundred
  const { points } = frame.history, x = points.map((p) => p[0]);
  draw("score", [line(text("return_line"), x, points.map((p) => p[1]), css("--soft"), { width: 1.2 }), line(text("return_mean"), x, points.map((p) => p[2]), colour(0), { width: 3 })],
    { xaxis: { title: { text: text("episodes") } } });
}

// The last answers of a series, what was forecast right before each, and what comes next with the band it should lie in.
export function series({ seq, answers, before, y_pred, low, high }) {
  const past = answers.map((_, i) => seq - answers.length + 1 + i), ahead = y_pred.map((_, i) => seq + 1 + i);
  const known = ahead.filter((_, i) => low[i] !== null), ends = low.flatMap((end, i) => (end === null ? [] : [[end, high[i]]]));
  const band = { x: [...known, ...known.slice().reverse()], y: [...ends.map((end) => end[0]), ...ends.map((end) => end[1]).reverse()] };
  draw("series", [
    { type: "scatter", mode: "lines", name: text("series_band"), ...band, fill: "toself", fillcolor: isDark() ? "rgba(240,138,75,.28)" : "rgba(213,94,0,.2)", line: { width: 0 }, hoverinfo: "skip" },
    line(text("series_before"), past, before, css("--soft"), { dash: "dot", width: 1.3 }),
    line(text("series_answers"), past, answers, colour(0)),
    { ...line(text("series_ahead"), ahead, y_pred, colour(1), { width: 3 }), mode: ahead.length > 1 ? "lines" : "markers" },
  ], { xaxis: { title: { text: text("series_time") } } });
}

export function loss(frame) {
  const { points } = frame.history;
  draw("loss", [line(text("loss_line"), points.map((p) => p[0]), points.map((p) => p[4]), colour(0))], { showlegend: false, xaxis: { title: { text: text("rows_learned") } } });
}

const at = (point) => new Date(point.t);

function withGaps(points) { // a line stops where nothing was recorded for long: the server was down
  const steps = points.slice(1).map((p, i) => p.t - points[i].t).sort((a, b) => a - b), usual = steps[Math.floor(steps.length / 2)];
  return points.flatMap((p, i) => (i && p.t - points[i - 1].t > 5 * usual + 5000 ? [{ t: p.t - 1 }, p] : [p]));
}

export function rate(points) {
  const shown = withGaps(points);
  draw("rate", [{ ...line(text("rate_line"), shown.map(at), shown.map((p) => p.rate ?? null), colour(2)), fill: "tozeroy" }], { showlegend: false, yaxis: { rangemode: "tozero" } });
}

export function latencies(points) {
  const names = ["predict", "learn", "label", "forecast"].filter((name) => points.some((p) => p.latency[name]));
  const traces = names.flatMap((name, i) => ["p50", "p99"].map((which) => {
    const recorded = withGaps(points.filter((p) => p.latency[name]));
    return line(`${name} ${which}`, recorded.map(at), recorded.map((p) => p.latency?.[name][which] ?? null), colour(i), which === "p99" ? { dash: "dot" } : {});
  }));
  draw("latencies", traces, { yaxis: { type: "log", dtick: 1, title: { text: "ms" } }, legend: { font: { size: 10 }, orientation: "h", y: -0.2 } });
}

export function calibration(cells) {
  const used = cells.filter((cell) => cell[0]);
  if (!used.length) return;
  draw("calibration", [
    line(text("ideal"), [0, 1], [0, 1], css("--soft"), { dash: "dot" }),
    { type: "scatter", mode: "lines+markers", name: text("observed"), x: used.map((c) => c[1]), y: used.map((c) => c[2]),
      marker: { color: colour(0), size: used.map((c) => 6 + Math.min(14, Math.log2(1 + c[0]))) }, line: { color: colour(0) } },
  ], { showlegend: false, xaxis: { range: [0, 1.02], tickformat: ".0%", title: { text: text("predicted_p") } }, yaxis: { range: [0, 1.02], tickformat: ".0%", title: { text: text("observed") } } });
}

export function experts(points, names) {
  const known = points.filter((p) => p.experts.length === names.length);
  const short = (name) => name.replace(/\(lr=([^,)]*).*\)/, " $1"); // the rule and its learning rate are enough to tell experts apart
  const traces = names.map((name, i) => line(short(name), known.map(at), known.map((p) => p.experts[i]), colour(i)));
  draw("experts", traces, { yaxis: { zeroline: true, zerolinecolor: css("--soft"), zerolinewidth: 1.5, rangemode: "tozero" }, legend: { font: { size: 10 }, orientation: "h", y: -0.2 } });
}

export function importance(rows) {
  const top = rows.slice().reverse();
  draw("importance", [{ type: "bar", orientation: "h", x: top.map((r) => r.rise), y: top.map((r) => r.name), marker: { color: colour(0) } }],
    { showlegend: false, xaxis: { title: { text: text("rise") } }, yaxis: { type: "category" } });
}
