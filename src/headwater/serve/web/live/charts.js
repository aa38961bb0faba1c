// Charts by Plotly's own script, served from its Python package.
import { byId, element } from "../shared/dom.js";
import { current, has, text } from "../shared/language.js";
import { css, isDark } from "../shared/theme.js";
import { baselineName } from "../words/verdict.mjs";

const LETTERS = 44;

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

// A name as a chart takes it: Plotly reads a few tags of HTML, and a long name would leave no room for the chart.
const inChart = (name) => (name.length > LETTERS ? `${name.slice(0, LETTERS - 1)}…` : name).replaceAll("&", "&amp;").replaceAll("<", "&lt;");

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

// The score's history, as the kind declares it: the model thick, baselines dashed, shares on an axis of their own where it says so.
export function score(frame) {
  const { points, drift } = frame.history, x = points.map((p) => p[0]), { right, percent, along, lead } = frame.views;
  const traces = frame.about.curve.flatMap((name, i) => (!name || name === "loss" ? [] : [traceOf(name, x, points.map((p) => p[i + 1]), i, { right, lead })]));
  const shapes = drift.map((row) => ({ type: "line", x0: row, x1: row, yref: "paper", y0: 0, y1: 1, line: { color: colour(3), dash: "dash", width: 1 } }));
  const annotations = drift.slice(-3).map((row) => ({ x: row, yref: "paper", y: 1, text: text("drift"), showarrow: false, font: { color: css("--text"), size: 10 }, bgcolor: css("--card") }));
  const second = right.length ? { margin: { l: 44, r: 54, t: 8, b: 34 }, yaxis: { range: [0, 1] }, yaxis2: { overlaying: "y", tickmode: "auto", side: "right", tickformat: ".2~%", rangemode: "tozero", showgrid: false, color: css("--text") } } : {};
  draw("score", traces.reverse(), { shapes, annotations, xaxis: { title: { text: text(`along_${along}`) } }, yaxis: percent ? { tickformat: ".0%" } : {}, ...second });
}

function traceOf(name, x, y, i, { right, lead }) {
  const shown = inChart(has(`line_${name}`) ? text(`line_${name}`) : baselineName(name, current()));
  if (right.includes(name)) return { ...line(shown, x, y, colour(1)), yaxis: "y2" };
  if (name === "return") return line(shown, x, y, css("--soft"), { width: 1.2 });
  return name === lead ? line(shown, x, y, colour(0), { width: 3 }) : line(shown, x, y, css("--soft"), { dash: ["dot", "dash"][i % 2], width: 1.3 });
}

// The last scores of a detector, with those that are alarms, and the line above which one is.
export function scores({ scores: values, alarm }) {
  const x = values.map((_, i) => i + 1 - values.length), high = x.filter((_, i) => values[i] > alarm);
  draw("scores-chart", [
    { type: "scatter", mode: "lines", name: text("line_alarm"), x: [x[0], x.at(-1)], y: [alarm, alarm], line: { color: css("--soft"), dash: "dot", width: 1.3 } },
    { type: "scatter", mode: "markers", name: text("column_anomaly_score"), x, y: values, marker: { color: colour(0), size: 5 } },
    { type: "scatter", mode: "markers", name: text("alarms"), x: high, y: values.filter((value) => value > alarm), marker: { color: colour(1), size: 10, symbol: "diamond" } },
  ], { xaxis: { title: { text: text("samples_ago") } }, yaxis: { range: [0, 1.03] } });
}

// The last answers of a series, what was forecast right before each, and what comes next with the band it should lie in.
export function series({ seq, answers, before, y_pred, fan }) {
  const past = answers.map((_, i) => seq - answers.length + 1 + i), ahead = y_pred.map((_, i) => seq + 1 + i);
  const shades = isDark() ? ["rgba(240,138,75,.22)", "rgba(240,138,75,.38)"] : ["rgba(213,94,0,.16)", "rgba(213,94,0,.3)"];
  draw("series", [
    ...fan.map((band, i) => ({ ...bandOf(band, ahead), type: "scatter", mode: "lines", name: text("series_band", { n: Math.round(100 * band.coverage) }), fill: "toself", fillcolor: shades[i], line: { width: 0 }, hoverinfo: "skip" })),
    line(text("series_before"), past, before, css("--soft"), { dash: "dot", width: 1.3 }),
    line(text("series_answers"), past, answers, colour(0)),
    { ...line(text("series_ahead"), ahead, y_pred, colour(1), { width: 3 }), mode: ahead.length > 1 ? "lines" : "markers" },
  ], { xaxis: { title: { text: text("series_time") } } });
}

// What quality a router can have at each mean cost, its budget, and where it stands.
export function frontier({ frontier: points, budget, spent, decisions }, quality) {
  const costs = points.map((p) => p.cost), worth = points.map((p) => p.quality), here = decisions && quality != null ? [spent / decisions] : [];
  const ends = [...worth, ...(here.length ? [quality] : [])], low = Math.min(...ends), high = Math.max(...ends);
  draw("frontier", [
    ...(budget ? [line(text("frontier_budget"), [budget, budget], [low, high], css("--soft"), { dash: "dot", width: 1.5 })] : []),
    { ...line(text("frontier_line"), costs, worth, colour(0), { width: 3 }), mode: "lines+markers" },
    { type: "scatter", mode: "markers", name: text("frontier_now"), x: here, y: here.length ? [quality] : [], marker: { color: colour(1), size: 12, symbol: "diamond" } },
  ], { xaxis: { title: { text: text("frontier_cost") }, rangemode: "tozero" }, yaxis: { title: { text: text("metric_mean_quality") } } });
}

function bandOf({ low, high }, ahead) {
  const known = ahead.filter((_, i) => low[i] !== null), lows = low.filter((end) => end !== null), highs = high.filter((_, i) => low[i] !== null);
  return { x: [...known, ...known.slice().reverse()], y: [...lows, ...highs.reverse()] };
}

export function loss(frame) {
  const { points } = frame.history, at = frame.about.curve.indexOf("loss") + 1;
  draw("loss", [line(text("loss_line"), points.map((p) => p[0]), points.map((p) => p[at]), colour(0))], { showlegend: false, xaxis: { title: { text: text("along_rows") } } });
}

const at = (point) => new Date(point.t);
const clock = () => ({ tickformat: "%H:%M:%S", nticks: innerWidth < 600 ? 3 : 5, tickangle: 0 }); // no date in a second line, which is as large as two

function withGaps(points) { // a line stops where nothing was recorded for long: the server was down
  const steps = points.slice(1).map((p, i) => p.t - points[i].t).sort((a, b) => a - b), usual = steps[Math.floor(steps.length / 2)];
  return points.flatMap((p, i) => (i && p.t - points[i - 1].t > 5 * usual + 5000 ? [{ t: p.t - 1 }, p] : [p]));
}

export function rate(points) {
  const shown = withGaps(points);
  draw("rate", [{ ...line(text("rate_line"), shown.map(at), shown.map((p) => p.rate ?? null), colour(2)), fill: "tozeroy" }], { showlegend: false, xaxis: clock(), yaxis: { rangemode: "tozero" } });
}

export function latencies(points) {
  const names = ["predict", "learn", "label", "forecast"].filter((name) => points.some((p) => p.latency[name]));
  const traces = names.flatMap((name, i) => ["p50", "p99"].map((which) => {
    const recorded = withGaps(points.filter((p) => p.latency[name]));
    return line(`${name} ${which}`, recorded.map(at), recorded.map((p) => p.latency?.[name][which] ?? null), colour(i), which === "p99" ? { dash: "dot" } : {});
  }));
  draw("latencies", traces, { xaxis: clock(), yaxis: { type: "log", dtick: 1, title: { text: "ms" } }, legend: { font: { size: 10 }, orientation: "h", y: -0.2 } });
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
  draw("experts", traces, { xaxis: clock(), yaxis: { zeroline: true, zerolinecolor: css("--soft"), zerolinewidth: 1.5, rangemode: "tozero" }, legend: { font: { size: 10 }, orientation: "h", y: -0.2 } });
}

export function importance(rows) {
  const top = rows.slice().reverse();
  draw("importance", [{ type: "bar", orientation: "h", x: top.map((r) => r.rise), y: top.map((r) => inChart(r.name)), marker: { color: colour(0) } }],
    { showlegend: false, xaxis: { title: { text: text("rise") } }, yaxis: { type: "category" } });
}
