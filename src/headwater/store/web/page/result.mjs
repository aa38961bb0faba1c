// What the model says of a sample: the prediction, the classes, and why.

import { brief, byId, element, shownName } from "./form.mjs";
import { shownNumber, shownShare, text } from "./texts.mjs";
import { showLines } from "./good.mjs";

const TINY = 1e-9; // of a number: what sums of floats leave
const MEMORY = "memory"; // what the rows before have left, among the contributions
const LEAST = 0.0005; // a smaller share would read as 0 %
const [FEWEST, MOST] = [3, 12]; // classes, and columns, that are listed

export const shownLabel = (label) => (typeof label === "number" ? shownNumber(label, 12) : Array.isArray(label) ? label.map(shownLabel).join(", ") : String(label));

/** Show a prediction; `unexplained`: the word for why only Python says why, null where this page does. */
export function showPrediction(said, unexplained) {
  byId("why").replaceChildren();
  byId("classes").replaceChildren();
  byId("unsaid").textContent = "";
  byId("baseline").textContent = !said?.explained ? "" : said.why ? text(said.why.carries ? "baseline_memory" : "baseline", { baseline: shownOutput(said, said.why.baseline) }) : text(unexplained);
  byId("said").textContent = said === null ? text("nothing") : said.classes ? shownLabel(said.y) : shownNumber(said.y);
  if (said === null) return;
  if (said.interval?.every(Number.isFinite)) {
    const [low, high] = said.interval.map((end) => shownNumber(end));
    byId("unsaid").textContent = text("interval", { low, high });
  }
  if (said.classes) byId("classes").append(classesTable(said.classes.slice(0, MOST).filter(([, share], i) => i < FEWEST || share >= LEAST)));
  if (said.why) whyTable(said);
}

const shownOutput = (said, value) => (said.classes ? `${brief(shownLabel(said.why.target))} ${shownShare(value)}` : shownNumber(value));

function headOf(...names) {
  const row = element("tr");
  row.append(...names.map((name, i) => (name ? element("th", name, { scope: "col", className: i === 1 ? "number" : "" }) : element("td"))));
  const head = element("thead");
  head.append(row);
  return head;
}

function barOf(share, less = false) {
  const cell = element("td", undefined, { className: "bar" });
  const bar = element("span", undefined, { className: less ? "less" : "" });
  bar.style.width = `${Math.round(100 * share)}%`;
  cell.append(bar);
  return cell;
}

function rowOf(name, number, bar) {
  const row = element("tr");
  row.append(element("th", name, { scope: "row" }), element("td", number, { className: "number" }), bar);
  return row;
}

function classesTable(classes) {
  const table = element("table");
  const body = element("tbody");
  body.append(...classes.map(([label, share]) => rowOf(shownLabel(label), shownShare(share), barOf(share))));
  table.append(headOf(text("said"), text("share"), ""), body);
  return table;
}

function whyTable(said) {
  const { prediction, baseline, carries } = said.why;
  const least = said.classes ? LEAST : Number.MIN_VALUE + TINY * Math.max(Math.abs(prediction), Math.abs(baseline));
  const parts = said.why.contributions.filter(([, part]) => Math.abs(part) >= least).slice(0, MOST);
  if (!parts.length) return;
  const most = Math.max(...parts.map(([, part]) => Math.abs(part)), 1e-300);
  const sign = (part) => (part < 0 ? "−" : "+");
  const shown = (part) => sign(part) + (said.classes ? shownShare(Math.abs(part)) : shownNumber(Math.abs(part)));
  const body = element("tbody");
  const named = (name) => (name === MEMORY && carries ? text("rows_before") : shownName(name));
  body.append(...parts.map(([name, part]) => rowOf(named(name), shown(part), barOf(Math.abs(part) / most, part < 0))));
  byId("why").replaceChildren(headOf(text("feature"), text("part"), ""), body);
}

/** The verdict over the answers since this page was opened: lately first, amber when behind. */
export function showScore(score) {
  if (!showLines(byId("score"), score === null ? [] : [score])) byId("score").textContent = text("no_score");
}
