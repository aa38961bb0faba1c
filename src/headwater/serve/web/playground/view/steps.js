// The four steps of one sample with their numbers: forward pass, loss, gradient, update; and the arithmetic of one unit.
import { element } from "../../shared/dom.js";
import { text } from "../../shared/language.js";
import { shade } from "./draw.js";
import { ACTIVATIONS, LOSSES, RULES } from "./formulas.js";

export function figure(v) {
  if (v === null || v === undefined) return "–";
  const size = Math.abs(v);
  if (size && (size < 0.0005 || size >= 1e5)) return v.toExponential(1).replaceAll("-", "−");
  return (size >= 100 ? v.toFixed(1) : v.toFixed(3)).replace("-", "−");
}
const signed = (v) => (v >= 0 ? `+${figure(v)}` : figure(v));

// Numbers in a row, each on the colour of its sign.
function chips(values) {
  const row = element("span", undefined, { className: "chips" });
  row.append(...values.map((v) => {
    const chip = element("span", figure(v));
    chip.style.setProperty("--chip", shade(Math.max(-1, Math.min(1, v ?? 0)) * 0.35));
    return chip;
  }));
  return row;
}

function line(name, ...parts) {
  const row = element("p", undefined, { className: "row" });
  const rest = element("span");
  rest.append(...parts);
  row.append(element("span", name, { className: "name" }), rest);
  return row;
}

function card(number, title, formula, ...rows) {
  const made = element("section", undefined, { className: "fourth" }), head = element("h3");
  head.append(element("span", String(number), { className: "round" }), ` ${title}`);
  made.append(head, element("p", formula, { className: "formula" }), ...rows);
  return made;
}

const layerName = (i, layers) => (i === layers - 1 ? text("output") : text("layern", { n: i + 1 }));
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
  const answer = element("b", answerOf(steps.y, view));
  const rows = steps.layers.map((layer, i) => line(`a · ${layerName(i, steps.layers.length)}`, chips(layer.a)));
  return card(1, text("forward"), "z = Wᵀa + b,  a = f(z)",
    line(text("sample"), chips(steps.features)), ...rows, line(text("predicted"), element("b", prediction(steps.prediction, view))), line(text("answer"), answer));
}

function loss(steps, view) {
  const rows = [line("L", element("span", `${costs(steps, view)} = `), element("b", figure(steps.loss)))];
  rows.push(...outputDelta(steps, view));
  if (view.settings.l1 || view.settings.l2) rows.push(element("p", text("withpenalty"), { className: "text" }));
  rows.push(element("p", text(view.classes.length ? "lossmeans" : "lossmeans_regress"), { className: "text" }));
  return card(2, text("loss1"), LOSSES[{ 0: "mse", 2: "binary_cross_entropy" }[view.classes.length] ?? "cross_entropy"], ...rows);
}

// From the output's sum to the first delta: p = σ(z) and δ = p − y, in numbers. With dropout the update saw another output.
function outputDelta(steps, view) {
  if (view.settings.dropout) return [];
  const { z, delta } = steps.layers.at(-1), p = steps.prediction;
  if (!view.classes.length) return [line("ŷ", `z = ${figure(z[0])}`), line("δ", `2 (ŷ − y) = 2 (${figure(p[0])} − ${figure(steps.y)}) = `, element("b", figure(delta[0])))];
  if (p.length === 1) return [line("p", `σ(z) = σ(${figure(z[0])}) = ${figure(p[0])}`), line("δ", `p − y = ${figure(p[0])} − ${steps.y} = `, element("b", figure(delta[0])))];
  const y = p.map((_, k) => Number(k === steps.y));
  return [line("p", "softmax(z) = ", chips(p)), line("δ", "p − y = ", chips(p), " − ", chips(y), " = ", chips(delta))];
}

function gradient(steps) {
  const n = steps.layers.length;
  const rows = steps.layers.map((layer, i) => line(`δ · ${layerName(i, n)}`, chips(layer.delta))).reverse();
  return card(3, text("gradient"), "δ = ∂L/∂z,  ∂L/∂w = a·δ", ...rows, element("p", text("backwards"), { className: "text" }));
}

function update(steps, view) {
  const rule = view.settings.optimizer, rows = [
    line(text("lr"), element("b", rule === "cocob" ? "–" : String(view.settings.lr))),
    line(text("predicted"), element("span", `${own(steps.prediction, steps.y, view)} → `), element("b", own(steps.prediction_after, steps.y, view).split(" = ")[1])),
    line("L", element("span", `${figure(steps.loss)} → `), element("b", figure(steps.loss_after), { className: steps.loss_after <= steps.loss ? "right" : "wrong" })),
  ];
  if (steps.undone) rows.push(element("p", text("undone"), { className: "text" }));
  if (view.settings.dropout) rows.push(element("p", text("thinned"), { className: "text" }));
  return card(4, text("update"), RULES[view.settings.optimizer], ...rows);
}

// One unit: its inputs, its weights, their products, gradients and changes.
function unit(steps, view, [l, j]) {
  const layer = steps.layers[l], last = l === steps.layers.length - 1;
  const inputs = l ? steps.layers[l - 1].a : steps.features;
  const names = l ? inputs.map((_, i) => text("unitof", { n: i + 1, layer: l })) : view.settings.features.map(view.featureName);
  const table = element("table"), head = element("tr");
  head.append(...[text("from"), "a", "w", "a·w", "∂L/∂w", text("change"), text("neww")].map((name) => element("th", name, { scope: "col" })));
  const row = (name, a, w, g, after) => {
    const made = element("tr");
    made.append(element("td", name), element("td", figure(a)), element("td", figure(w)), element("td", signed(a * w)), element("td", signed(g)),
      element("td", signed(after - w), { className: "changed" }), element("td", figure(after)));
    return made;
  };
  table.append(head, ...inputs.map((a, i) => row(names[i], a, layer.w[i][j], layer.gw[i][j], layer.w_after[i][j])),
    row(text("bias"), 1, layer.b[j], layer.delta[j], layer.b_after[j]));
  const f = last ? "" : `,  a = f(z) = ${figure(layer.a[j])}`;
  const title = `${layerName(l, steps.layers.length)}${last && layer.a.length === 1 ? "" : `, ${text("unitn", { n: j + 1 })}`}`;
  const scroll = element("div", undefined, { className: "scroll", tabIndex: 0 });
  scroll.append(table);
  const made = element("section", undefined, { className: "one" });
  made.append(element("h3", title), element("p", `z = Σ a·w + b = ${figure(layer.z[j])}${f},  δ = ${figure(layer.delta[j])}`, { className: "formula" }));
  if (!last) made.append(element("p", `f: ${ACTIVATIONS[view.settings.activation]}`, { className: "text" }));
  made.append(scroll);
  return made;
}

let shown = [];
export function show(place, view) {
  const steps = view.steps, now = [steps, String(view.selected), document.documentElement.lang, document.documentElement.dataset.theme];
  if (place.firstChild && now.every((part, i) => part === shown[i])) return;
  shown = now;
  if (!steps) { place.replaceChildren(element("p", text("presstep"), { className: "text" })); return; }
  const four = element("div", undefined, { className: "four" });
  four.append(forward(steps, view), loss(steps, view), gradient(steps), update(steps, view));
  const [l, j] = view.selected, layer = steps.layers[l];
  place.replaceChildren(four, element("p", text("clickunit"), { className: "text" }), unit(steps, view, layer && j < layer.b.length ? [l, j] : [steps.layers.length - 1, 0]));
}
