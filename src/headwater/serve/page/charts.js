// Charts by Plotly's own script, served from its Python package; heat maps on canvas.
import { say } from "/page/words.js";

const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]; // Okabe & Ito 2008: told apart by everyone
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function layout(more = {}) {
  const axis = { gridcolor: css("--line"), zerolinecolor: css("--line"), automargin: true };
  return {
    margin: { l: 44, r: 10, t: 8, b: 34 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: css("--text"), size: 12 }, legend: { orientation: "h", y: 1.12 }, ...more,
    xaxis: { ...axis, ...more.xaxis }, yaxis: { ...axis, ...more.yaxis },
  };
}

function draw(id, traces, more) {
  const node = document.getElementById(id);
  node.setAttribute("aria-label", node.parentElement.querySelector("h2").textContent);
  Plotly.react(node, traces, layout(more), { displayModeBar: false, responsive: true });
}

const line = (name, x, y, colour, more = {}) => ({ type: "scatter", mode: "lines", name, x, y, line: { color: colour, width: 2, ...more } });

export function score(frame, names) {
  const points = frame.history.points, x = points.map((p) => p[0]);
  const traces = names.map((name, i) => line(i ? say(name) : frame.name, x, points.map((p) => p[i + 1]), COLOURS[i], i ? { dash: "dot" } : {}));
  const shapes = frame.history.drift.map((n) => ({ type: "line", x0: n, x1: n, yref: "paper", y0: 0, y1: 1, line: { color: COLOURS[3], dash: "dash" } }));
  const annotations = frame.history.drift.slice(-3).map((n) => ({ x: n, yref: "paper", y: 1, text: say("drift"), showarrow: false, font: { color: css("--text") } }));
  draw("score", traces, { shapes, annotations, xaxis: { title: { text: say("rows") } } });
}

export function loss(frame) {
  const points = frame.history.points;
  draw("loss", [line(say("loss"), points.map((p) => p[0]), points.map((p) => p[4]), COLOURS[0])], { showlegend: false, yaxis: { type: "log" } });
}

export function rate(times, rates) {
  draw("rate", [{ ...line(say("rate"), times, rates, COLOURS[2]), fill: "tozeroy" }], { showlegend: false, yaxis: { rangemode: "tozero" } });
}

export function calibration(cells) {
  const used = cells.filter((cell) => cell[0]);
  draw("calibration", [
    line(say("ideal"), [0, 1], [0, 1], css("--soft"), { dash: "dot" }),
    { type: "scatter", mode: "lines+markers", name: say("seen"), x: used.map((c) => c[1]), y: used.map((c) => c[2]),
      marker: { color: COLOURS[0], size: used.map((c) => 6 + Math.min(14, Math.log2(1 + c[0]))) }, line: { color: COLOURS[0] } },
  ], { xaxis: { range: [0, 1.02], title: { text: say("saidp") } }, yaxis: { range: [0, 1.02] } });
}

export function experts(times, series) {
  const traces = [...series].map(([name, values], i) => ({ ...line(name, times.slice(-values.length), values, COLOURS[i % COLOURS.length]), stackgroup: "one" }));
  draw("experts", traces, { yaxis: { range: [0, 1] }, legend: { font: { size: 10 }, orientation: "h", y: -0.2 } });
}

export function importance(rows) {
  const top = rows.slice().reverse();
  draw("importance", [{ type: "bar", orientation: "h", x: top.map((r) => r.share), y: top.map((r) => r.name), marker: { color: COLOURS[0] } }],
    { showlegend: false, xaxis: { title: { text: say("share") } }, yaxis: { type: "category" } });
}

export function maps(layers) {
  const room = document.getElementById("maps");
  room.replaceChildren(...layers.map((layer) => {
    const figure = document.createElement("figure"), canvas = document.createElement("canvas"), caption = document.createElement("figcaption");
    const rows = layer.cells.length, columns = layer.cells[0].length;
    const most = Math.max(1e-9, ...layer.cells.flat().map(Math.abs));
    canvas.width = columns; canvas.height = rows;
    canvas.style.width = `${Math.min(280, Math.max(64, columns * 5))}px`;
    canvas.style.height = `${Math.min(220, Math.max(24, rows * 5))}px`;
    const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
    layer.cells.flat().forEach((value, i) => image.data.set(shade(value / most), 4 * i));
    context.putImageData(image, 0, 0);
    canvas.setAttribute("role", "img");
    caption.textContent = `${layer.name} · ${layer.shape.join(" × ")} · ±${most.toPrecision(3)}`;
    canvas.setAttribute("aria-label", caption.textContent);
    figure.append(canvas, caption);
    return figure;
  }));
}

function shade(v) { // white is 0, blue above, orange below
  const a = Math.min(1, Math.abs(v)), far = v > 0 ? [0, 90, 170] : [213, 94, 0];
  return [...far.map((c) => Math.round(255 + (c - 255) * a)), 255];
}
