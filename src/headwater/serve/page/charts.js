// Charts by Plotly's own script, served from its Python package; heat maps on canvas.
import { say } from "/page/words.js";

const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]; // Okabe & Ito 2008: told apart by everyone
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function layout(more = {}) {
  const axis = { gridcolor: css("--line"), zerolinecolor: css("--line"), automargin: true };
  return {
    margin: { l: 44, r: 10, t: 8, b: 34 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: css("--text"), size: 12 }, legend: innerWidth < 600 ? { orientation: "h", y: -0.5, font: { size: 10 } } : { orientation: "h", y: 1.12 }, ...more,
    xaxis: { ...axis, ...more.xaxis }, yaxis: { ...axis, ...more.yaxis },
  };
}

export function named() { // an empty chart says what it will show, and that it waits
  for (const node of document.querySelectorAll(".chart")) {
    node.setAttribute("aria-label", node.parentElement.querySelector("h2").textContent);
    if (node.querySelector(".main-svg")) continue;
    const words = document.createElement("p");
    words.className = "text waiting";
    words.textContent = say("waiting");
    node.replaceChildren(words);
  }
}

function draw(id, traces, more) {
  const node = document.getElementById(id);
  node.querySelector(".waiting")?.remove();
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

const at = (point) => new Date(point.t);

function broken(points) { // a line stops where nothing was seen for long: the server was down
  const steps = points.slice(1).map((p, i) => p.t - points[i].t).sort((a, b) => a - b), usual = steps[Math.floor(steps.length / 2)];
  return points.flatMap((p, i) => (i && p.t - points[i - 1].t > 5 * usual + 5000 ? [{ t: p.t - 1 }, p] : [p]));
}

export function rate(points) {
  const shown = broken(points);
  draw("rate", [{ ...line(say("rate"), shown.map(at), shown.map((p) => p.rate ?? null), COLOURS[2]), fill: "tozeroy" }], { showlegend: false, yaxis: { rangemode: "tozero" } });
}

export function latencies(points) {
  const names = ["predict", "learn", "label"].filter((name) => points.some((p) => p.latency[name]));
  const traces = names.flatMap((name, i) => ["p50", "p99"].map((which) => {
    const seen = broken(points.filter((p) => p.latency[name]));
    return line(`${name} ${which}`, seen.map(at), seen.map((p) => p.latency?.[name][which] ?? null), COLOURS[i], which === "p99" ? { dash: "dot" } : {});
  }));
  draw("latencies", traces, { yaxis: { type: "log", title: { text: "ms" } }, legend: { font: { size: 10 }, orientation: "h", y: -0.2 } });
}

export function calibration(cells) {
  const used = cells.filter((cell) => cell[0]);
  draw("calibration", [
    line(say("ideal"), [0, 1], [0, 1], css("--soft"), { dash: "dot" }),
    { type: "scatter", mode: "lines+markers", name: say("seen"), x: used.map((c) => c[1]), y: used.map((c) => c[2]),
      marker: { color: COLOURS[0], size: used.map((c) => 6 + Math.min(14, Math.log2(1 + c[0]))) }, line: { color: COLOURS[0] } },
  ], { xaxis: { range: [0, 1.02], title: { text: say("saidp") } }, yaxis: { range: [0, 1.02] } });
}

export function experts(points, names) {
  const seen = points.filter((p) => p.experts.length === names.length);
  const short = (name) => name.replace(/\(lr=([^,)]*).*\)/, " $1"); // the rule and its step size are enough to tell experts apart
  const traces = names.map(short).map((name, i) => ({ ...line(name, seen.map(at), seen.map((p) => p.experts[i]), COLOURS[i % COLOURS.length]), stackgroup: "one" }));
  draw("experts", traces, { yaxis: { range: [0, 1] }, legend: { font: { size: 10 }, orientation: "h", y: -0.2 } });
}

export function importance(rows) {
  const top = rows.slice().reverse();
  draw("importance", [{ type: "bar", orientation: "h", x: top.map((r) => r.rise), y: top.map((r) => r.name), marker: { color: COLOURS[0] } }],
    { showlegend: false, xaxis: { title: { text: say("rise") } }, yaxis: { type: "category" } });
}

export function maps(id, layers) {
  const room = document.getElementById(id);
  room.replaceChildren(...layers.map((layer) => {
    const figure = document.createElement("figure"), canvas = document.createElement("canvas"), caption = document.createElement("figcaption");
    const zero = colour(css("--zero"));
    const rows = layer.cells.length, columns = layer.cells[0].length;
    const most = Math.max(1e-9, ...layer.cells.flat().map(Math.abs));
    canvas.width = columns; canvas.height = rows;
    canvas.style.width = `${Math.min(320, Math.max(48, columns * 5))}px`;
    canvas.style.height = `${Math.min(150, Math.max(24, rows * 5))}px`;
    const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
    layer.cells.flat().forEach((value, i) => image.data.set(shade(value / most, zero), 4 * i));
    context.putImageData(image, 0, 0);
    canvas.setAttribute("role", "img");
    const name = [`${say("expert")} ${layer.expert}, ${say("layer")} ${layer.layer}`, layer.what].filter(Boolean).join(", ");
    caption.textContent = `${name} · ${layer.shape.join(" × ")} · ±${most.toPrecision(3)}`;
    canvas.setAttribute("aria-label", caption.textContent);
    figure.append(canvas, caption);
    return figure;
  }));
}

const colour = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

function shade(v, zero) { // blue above 0, orange below
  const a = Math.min(1, Math.abs(v)), far = v > 0 ? [20, 110, 200] : [213, 94, 0];
  return [...far.map((c, i) => Math.round(zero[i] + (c - zero[i]) * a)), 255];
}
