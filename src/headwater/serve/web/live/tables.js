// The latest samples, what the guards rejected or adjusted, and what the server refused.
import { byId, element } from "../shared/dom.js";
import { text } from "../shared/language.js";
import { refusalText } from "../shared/refusals.js";
import { isClassifier, isDetector } from "./state.js";
import { figure } from "./verdict.js";

export function headRow(...names) {
  const row = element("tr");
  row.append(...names.map((name) => element("th", name, { scope: "col" })));
  return row;
}

const sampleText = (x) => Object.entries(x).map(([name, value]) => `${name} ${value}`).join(", ");

export function showRecent(frame) {
  const said = text(isDetector(frame) ? "anomaly_score" : "predicted");
  byId("recent").replaceChildren(headRow(text("number"), said, text("answer"), text("sample")), ...frame.recent.map((item) => {
    const row = element("tr"), right = item.y_pred === item.y, marked = isClassifier(frame) && item.y_pred !== null;
    const value = isDetector(frame) && item.y_pred !== null ? figure(Number(item.y_pred)) : item.y_pred;
    const shown = `${marked ? (right ? "✓ " : "✗ ") : ""}${value ?? "–"}`;
    row.append(element("td", item.seq), element("td", shown, { className: marked ? (right ? "right" : "wrong") : "" }), element("td", item.y ?? "–"), element("td", sampleText(item.x)));
    return row;
  }));
}

// The last alarms of a detector, with the columns that contributed most and what each of them adds.
export function showAlarms(frame) {
  const rows = frame.alarms.map((item) => {
    const row = element("tr"), parts = item.parts.map(({ name, part }) => `${name} ${part.toPrecision(3)}`).join(", ");
    row.append(element("td", item.seq), element("td", item.score.toPrecision(5)), element("td", parts), element("td", sampleText(item.x)));
    return row;
  });
  const head = headRow(text("number"), text("anomaly_score"), text("contributed"), text("sample"));
  byId("alarms").replaceChildren(...(rows.length ? [head, ...rows] : [element("caption", text("no_alarms"))]));
}

export function showRejected(frame) {
  const rejected = Object.entries(frame.learners[0].rejected);
  const lines = rejected.map(([reason, count]) => element("p", `${count.toLocaleString()} × ${reason}: ${text(`why_${reason}`)}`));
  byId("rejected").replaceChildren(...(lines.length ? lines : [element("p", text("none_rejected"))]));
}

export function showRefused(frame) {
  const rows = frame.refused.map((item) => {
    const row = element("tr");
    row.append(element("td", new Date(item.t).toLocaleTimeString()), element("td", `${item.endpoint} ${item.status}`), element("td", refusalText(item)));
    return row;
  });
  byId("refused").replaceChildren(...(rows.length ? [headRow(text("time"), text("address"), text("why")), ...rows] : []));
}
