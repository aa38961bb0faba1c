// The table of losses and accuracies: the net before it learns a sample, two baselines, training points, test points, the first concept.
import { byId, element } from "../../shared/dom.js";
import { text } from "../../shared/language.js";
import { swatch } from "./curve.js";
import { forgetSizes } from "./draw.js";
import { figure } from "./steps.js";

const percent = (v) => `${(100 * v).toFixed(1)} %`;
let shape = "";

/** Of each row its name, loss, accuracy, and its line in the curve. */
function rows({ classes, scores: { loss, accuracy }, fit }) {
  const baseline = text(classes.length ? "frequencies" : "meansofar");
  const fitted = (name, one, line) => ({ name: text(name), loss: one?.loss, accuracy: one?.accuracy, line });
  return [
    ...[text("netloss"), baseline, text("lastagain")].map((name, k) => ({ name, loss: loss?.[k], accuracy: accuracy?.[k], line: k })),
    fitted("trainpoints", fit.train, 3), fitted("testpoints", fit.test, 4), ...(fit.first ? [fitted("firstconcept", fit.first, null)] : []),
  ];
}

function build(table, list, classes) {
  const head = element("tr");
  head.append(element("td"), element("th", text("lossname"), { scope: "col" }), ...(classes ? [element("th", text("accuracy"), { scope: "col" })] : []));
  table.tBodies[0].replaceChildren(head, ...list.map(({ name, line }, k) => {
    const row = element("tr", undefined, { className: k ? "" : "own" }), th = element("th", undefined, { scope: "row" });
    if (line !== null) th.append(element("canvas", undefined, { className: "swatch" }), " ");
    th.append(name);
    row.append(th, element("td"), ...(classes ? [element("td")] : []));
    return row;
  }));
  table.querySelectorAll(".swatch").forEach((canvas, k) => { forgetSizes(canvas); swatch(canvas, k); });
}

export function scores(frame) {
  const table = byId("play-scores"), list = rows(frame), root = document.documentElement;
  const wanted = JSON.stringify([list.map(({ name }) => name), root.dataset.theme, frame.classes.length > 0]);
  if (wanted !== shape) { shape = wanted; build(table, list, frame.classes.length > 0); }
  const { loss } = frame.scores, best = loss && loss[0] <= Math.min(...loss);
  list.forEach((one, k) => {
    const [, cell, right] = table.rows[k + 1].cells;
    cell.textContent = one.loss === undefined ? "–" : figure(one.loss);
    if (!k) cell.className = loss ? (best ? "right" : "wrong") : "";
    if (right) right.textContent = one.accuracy === undefined || one.accuracy === null ? "–" : percent(one.accuracy);
  });
  const { saturated } = frame;
  byId("play-saturated").textContent = saturated === null ? "" : text("saturated", { share: percent(saturated) });
}
