// Paints the playground's frame: units, edges, the plane, scores, the loss; play-draw.js knows the pens.
import { say } from "/page/words.js";
import * as draw from "/page/play-draw.js";
import { by, state, view } from "/page/play-state.js";
import { figure, node, show as showSteps } from "/page/play-steps.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

export function paint() {
  if (!state.frame || by("play").hidden) return;
  const { frame } = state, net = by("play-net");
  by("play-n").textContent = frame.n.toLocaleString();
  for (const unit of net.querySelectorAll(".unit")) {
    const [l, j] = unit.dataset.name.split(":"), map = l === "f" ? draw.bytes(state.choices.features[j]) : state.maps[l]?.[j];
    if (!map && state.surface.length > 1) draw.share(unit.firstChild, state.surface[j], Number(j));
    else draw.map(unit.firstChild, [map ?? state.surface[0]]);
    if (l === "f") continue;
    unit.classList.toggle("chosen", Number(l) === Math.min(state.selected[0], frame.layers.length - 1) && Number(j) === state.selected[1]);
    const bias = frame.layers[l].b[j] ?? 0;
    unit.style.setProperty("--bias", draw.shade(Math.max(-1, Math.min(1, bias))));
    unit.title = `${unit.getAttribute("aria-label")} · ${say("bias")} ${figure(bias)}`;
  }
  findLinks();
  draw.edges(net.querySelector(".edges"), state.links, { flow: state.running && !still.matches ? 1 + (performance.now() / 40) % 12 : 0 });
  paintSurface();
  scores();
  const words = { waiting: say("waiting"), rows: say("rows") };
  draw.curve(by("play-curve"), state.curve, state.marks, { words });
  by("play-curve").setAttribute("aria-label", `${say("losscurve")}: ${[...by("play-scores").rows].map((row) => row.textContent).join("; ")}`);
  showSteps(by("play-steps"), view());
}

export function paintSurface() {
  if (!state.frame) return;
  const { frame } = state, shown = state.over?.();
  draw.map(by("play-surface"), shown ? shown.maps : state.surface);
  by("play-shown").textContent = shown ? `${say("showing")}${shown.name}` : "";
  draw.points(by("play-points"), state.points, { classes: frame.classes.length, box: state.choices.box, last: state.steps && !state.running ? [...state.steps.x] : null });
  const table = frame.table, box = state.choices.box, low = table ? table.low : [-box, -box], high = table ? table.high : [box, box];
  by("play-low").textContent = figureShort(low[0]);
  by("play-high").textContent = figureShort(high[0]);
  by("play-axis").textContent = table ? `${table.chosen[0]} →  ·  ↑ ${table.chosen[1]}` : "x₁ →  ·  ↑ x₂";
  by("play-points").setAttribute("aria-label", `${say("outputs")}: ${frame.classes.join(", ")}`);
  legend(frame);
}
const figureShort = (v) => Number(v.toPrecision(3)).toLocaleString();

function legend(frame) {
  const parts = frame.classes.map((name, k) => {
    const part = node("span", name);
    part.style.setProperty("--dot", draw.colour(k));
    return part;
  });
  if (!frame.classes.length) {
    const [low, high] = frame.table ? frame.table.answers : [-1, 1];
    parts.push(node("span", figureShort(low), { className: "end" }), node("i"), node("span", figureShort(high), { className: "end" }));
    parts[1].style.background = `linear-gradient(90deg, ${[-1, -0.5, 0, 0.5, 1].map(draw.shade).join()})`;
  }
  const degrees = Math.round((frame.angle * 180) / Math.PI);
  if (degrees) {
    const arrow = node("span", `${say("turned")} ${(degrees % 360)}°`, { className: "angle" });
    parts.push(arrow);
  }
  by("play-legend").replaceChildren(...parts);
}

const percent = (v) => `${(100 * v).toFixed(1)} %`;

function scores() {
  const { loss, accuracy } = state.frame.scores, names = [say("netloss"), say(state.frame.classes.length ? "frequencies" : "meansofar"), say("lastagain")];
  const head = node("tr");
  head.append(node("td"), node("th", say("lossname"), { scope: "col" }), ...(state.frame.classes.length ? [node("th", say("accuracy"), { scope: "col" })] : []));
  const best = loss && loss[0] <= Math.min(...loss);
  const table = by("play-scores");
  table.replaceChildren(head, ...names.map((name, k) => {
    const row = node("tr", undefined, { className: k ? "" : "own" }), th = node("th", undefined, { scope: "row" });
    th.append(node("canvas", undefined, { className: "swatch" }), ` ${name}`);
    row.append(th, node("td", loss ? figure(loss[k]) : "–", { className: k || !loss ? "" : best ? "right" : "wrong" }));
    if (state.frame.classes.length) row.append(node("td", accuracy ? percent(accuracy[k]) : "–"));
    return row;
  }));
  table.querySelectorAll(".swatch").forEach((canvas, k) => draw.swatch(canvas, k));
}

function findLinks() {
  const { ends } = state;
  state.links = state.frame.layers.flatMap((layer, l) => layer.w.flatMap((row, i) => row.map((w, j) => ({
    from: ends[l][i].right, to: ends[l + 1][j].left, w: w ?? 0, unit: `${l}:${j}`,
  }))));
}
