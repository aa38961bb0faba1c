// The latest samples, what the guards rejected or adjusted, and what the server refused.
import { byId, element } from "../shared/dom.js";
import { text } from "../shared/language.js";
import { refusalText } from "../shared/refusals.js";
import { isClassifier } from "./state.js";

export function headRow(...names) {
  const row = element("tr");
  row.append(...names.map((name) => element("th", name, { scope: "col" })));
  return row;
}

export function showRecent(frame) {
  byId("recent").replaceChildren(headRow(text("number"), text("predicted"), text("answer"), text("sample")), ...frame.recent.map((item) => {
    const row = element("tr"), right = item.y_pred === item.y, marked = isClassifier(frame) && item.y_pred !== null;
    const shown = `${marked ? (right ? "✓ " : "✗ ") : ""}${item.y_pred ?? "–"}`;
    row.append(element("td", item.seq), element("td", shown, { className: marked ? (right ? "right" : "wrong") : "" }), element("td", item.y),
      element("td", Object.entries(item.x).map(([name, value]) => `${name} ${value}`).join(", ")));
    return row;
  }));
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
