// The four steps of one sample with their numbers: forward pass, loss, gradient, update; and the arithmetic of one unit.
import { say } from "/page/words.js";
import { shade, colour } from "/page/play-draw.js";

export function node(tag, text, more = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return Object.assign(made, more);
}

export function figure(v) {
  if (v === null || v === undefined) return "–";
  const size = Math.abs(v);
  if (size && (size < 0.0005 || size >= 1e5)) return v.toExponential(1).replaceAll("-", "−");
  return (size >= 100 ? v.toFixed(1) : v.toFixed(3)).replace("-", "−");
}
const signed = (v) => (v >= 0 ? `+${figure(v)}` : figure(v));

// A row of numbers, each on the colour of its sign.
function chips(values) {
  const row = node("span", undefined, { className: "chips" });
  row.append(...values.map((v) => {
    const chip = node("span", figure(v));
    chip.style.setProperty("--chip", shade(Math.max(-1, Math.min(1, v ?? 0)) * 0.55));
    return chip;
  }));
  return row;
}

function line(name, ...parts) {
  const row = node("p", undefined, { className: "row" });
  const rest = node("span");
  rest.append(...parts);
  row.append(node("span", name, { className: "name" }), rest);
  return row;
}

function card(number, title, formula, ...rows) {
  const made = node("section", undefined, { className: "fourth" }), head = node("h3");
  head.append(node("span", String(number), { className: "round" }), ` ${title}`);
  made.append(head, node("p", formula, { className: "formula" }), ...rows);
  return made;
}

const layerName = (i, layers) => (i === layers - 1 ? say("output") : say("layern").replace("{n}", i + 1));
const answerOf = (y, view) => (view.classes.length ? view.classes[y] : figure(y));

function prediction(values, view) {
  if (!view.classes.length) return `ŷ = ${figure(values[0])}`;
  if (values.length === 1) return `p(${view.classes[1]}) = ${figure(values[0])}`;
  return values.map((p, k) => `p(${view.classes[k]}) = ${figure(p)}`).join(", ");
}

const ofClass = (p, y) => (p.length === 1 ? (y ? p[0] : 1 - p[0]) : p[y]);
const own = (p, y, view) => (view.classes.length ? `p(${view.classes[y]}) = ${figure(ofClass(p, y))}` : `ŷ = ${figure(p[0])}`);

function costs({ y, prediction: p }, view) {
  if (!view.classes.length) return `(ŷ − y)² = (${figure(p[0])} − ${figure(y)})²`;
  return `−ln p(${answerOf(y, view)}) = −ln ${figure(ofClass(p, y))}`;
}

function forward(steps, view) {
  const answer = node("b", answerOf(steps.y, view));
  if (view.classes.length) answer.style.color = colour(steps.y);
  const rows = steps.layers.map((layer, i) => line(`a · ${layerName(i, steps.layers.length)}`, chips(layer.a)));
  return card(1, say("forward"), "z = Wᵀa + b,  a = f(z)",
    line(say("sample"), chips(steps.features)), ...rows, line(say("predicted"), node("b", prediction(steps.prediction, view))), line(say("answer"), answer));
}

function loss(steps, view) {
  const rows = [line("L", node("span", `${costs(steps, view)} = `), node("b", figure(steps.loss)))];
  if (view.settings.l1 || view.settings.l2) rows.push(node("p", say("withpenalty"), { className: "text" }));
  rows.push(node("p", say("lossmeans"), { className: "text" }));
  return card(2, say("loss1"), steps.formulas.loss, ...rows);
}

function gradient(steps) {
  const n = steps.layers.length;
  const rows = steps.layers.map((layer, i) => line(`δ · ${layerName(i, n)}`, chips(layer.delta))).reverse();
  return card(3, say("gradient"), "δ = ∂L/∂z,  ∂L/∂w = a·δ", ...rows, node("p", say("backwards"), { className: "text" }));
}

function update(steps, view) {
  const rule = view.settings.optimizer, rows = [
    line(say("lr"), node("b", rule === "cocob" ? "–" : String(view.settings.lr))),
    line(say("predicted"), node("span", `${own(steps.prediction, steps.y, view)} → `), node("b", own(steps.prediction_after, steps.y, view).split(" = ")[1])),
    line("L", node("span", `${figure(steps.loss)} → `), node("b", figure(steps.loss_after), { className: steps.loss_after <= steps.loss ? "right" : "wrong" })),
  ];
  if (steps.undone) rows.push(node("p", say("undone"), { className: "text" }));
  if (view.settings.dropout) rows.push(node("p", say("thinned"), { className: "text" }));
  return card(4, say("update"), steps.formulas.optimizer, ...rows);
}

// One unit: what comes in, times its weights, and what becomes of these.
function unit(steps, view, [l, j]) {
  const layer = steps.layers[l], last = l === steps.layers.length - 1;
  const inputs = l ? steps.layers[l - 1].a : steps.features;
  const names = l ? inputs.map((_, i) => `${say("layern").replace("{n}", l)}, ${say("unitn").replace("{n}", i + 1)}`) : view.settings.features.map(view.featureName);
  const table = node("table"), head = node("tr");
  head.append(...[say("from"), "a", "w", "a·w", "∂L/∂w", say("change"), say("neww")].map((name) => node("th", name, { scope: "col" })));
  const row = (name, a, w, g, after) => {
    const made = node("tr");
    made.append(node("td", name), node("td", figure(a)), node("td", figure(w)), node("td", signed(a * w)), node("td", signed(g)),
      node("td", signed(after - w), { className: "changed" }), node("td", figure(after)));
    return made;
  };
  table.append(head, ...inputs.map((a, i) => row(names[i], a, layer.w[i][j], layer.gw[i][j], layer.w_after[i][j])),
    row(say("bias"), 1, layer.b[j], layer.delta[j], layer.b_after[j]));
  const f = last ? "" : `,  a = f(z) = ${figure(layer.a[j])}`;
  const title = `${layerName(l, steps.layers.length)}${last && layer.a.length === 1 ? "" : `, ${say("unitn").replace("{n}", j + 1)}`}`;
  const scroll = node("div", undefined, { className: "scroll", tabIndex: 0 });
  scroll.append(table);
  const made = node("section", undefined, { className: "one" });
  made.append(node("h3", title), node("p", `z = Σ a·w + b = ${figure(layer.z[j])}${f},  δ = ${figure(layer.delta[j])}`, { className: "formula" }));
  if (!last) made.append(node("p", `f: ${steps.formulas.activation}`, { className: "text" }));
  made.append(scroll);
  return made;
}

let shown = [];
export function show(place, view) {
  const steps = view.steps, now = [steps, String(view.selected), document.documentElement.lang, document.documentElement.dataset.theme];
  if (place.firstChild && now.every((part, i) => part === shown[i])) return;
  shown = now;
  if (!steps) { place.replaceChildren(node("p", say("presstep"), { className: "text" })); return; }
  const four = node("div", undefined, { className: "four" });
  four.append(forward(steps, view), loss(steps, view), gradient(steps), update(steps, view));
  const [l, j] = view.selected, layer = steps.layers[l];
  place.replaceChildren(four, node("p", say("clickunit"), { className: "text" }), unit(steps, view, layer && j < layer.b.length ? [l, j] : [steps.layers.length - 1, 0]));
}
