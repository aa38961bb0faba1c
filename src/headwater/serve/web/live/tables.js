// Tables: the latest samples, alarms, actions, outputs and keys, what the guards rejected or adjusted, and what the server refused.
import { baselineName } from "../words/verdict.mjs";
import { byId, element } from "../shared/dom.js";
import { current, gap, text } from "../shared/language.js";
import { refusalText } from "../shared/refusals.js";
import { bestOf, comparisonsOf, figure, isAhead, lately, metricName, show } from "./verdict.js";

export function headRow(...names) {
  const row = element("tr");
  row.append(...names.map((name) => element("th", name, { scope: "col" })));
  return row;
}

const SHORT = 16; // letters that stay in one line
const shown = (value) => (value === null ? "–" : typeof value === "number" ? figure(value) : value);

const sized = (written) => (written.length > SHORT ? "long" : "short");

// A cell of what somebody else has written: in any direction, of any length. Each part of a sample has a direction of its own.
function cell(value, className = "") {
  const made = element("td", undefined, { className: `${className} ${sized(String(value))}` });
  String(value).split(" · ").forEach((part, i) => made.append(...(i ? [" · "] : []), element("bdi", part, { className: sized(part) })));
  return made;
}

const rowOf = (...values) => {
  const row = element("tr");
  row.append(...values.map((value) => cell(value)));
  return row;
};

export function showRecent(frame) {
  const names = frame.views.latest.map((column) => text(`column_${column.name}`));
  const known = frame.recent.some(({ x }) => x); // of a series nothing else may be known
  byId("recent").replaceChildren(headRow(text("number"), ...names, ...(known ? [text("sample")] : [])), ...frame.recent.map(({ seq, cells, right, x }) => {
    const row = element("tr"), marked = right !== null;
    row.append(element("td", seq), ...cells.map((value, i) => (i || !marked ? cell(shown(value)) : cell(`${right ? "✓ " : "✗ "}${shown(value)}`, right ? "right" : "wrong"))), ...(known ? [cell(x)] : []));
    return row;
  }));
}

// The last alarms of a detector, with the columns that contributed most and what each of them adds.
export function showAlarms(frame) {
  const rows = frame.alarms.map((item) => rowOf(item.seq, figure(item.score, 5), item.parts.map(({ name, part }) => `${name} ${figure(part, 3)}`).join(", "), item.x));
  const head = headRow(text("number"), text("column_anomaly_score"), text("contributed"), text("sample"));
  byId("alarms").replaceChildren(...(rows.length ? [head, ...rows] : [element("caption", text("no_alarms"))]));
}

// How the stream changed: a unit, a world in which a new learner took over, and rows that are others than before.
export function showHappened({ happened }) {
  byId("happened").replaceChildren(...happened.map((one) => element("li", [sentence(one), ...(one.what === "drift" ? reasons(one) : [])].join(gap()))));
}

const whole = (n) => n.toLocaleString("en-US");

function sentence({ what, row, name, scale, taken, date }) {
  if (what === "unit") return text("happened_unit", { row: whole(row), name, scale: figure(1 / scale) });
  if (what === "succession") return text("happened_succession", { row: whole(row), taken: whole(taken) });
  return text(date ? "happened_drift_dated" : "happened_drift", { row: whole(row), date });
}

// Columns and names that changed most, and those that go with other answers.
function reasons({ columns, relations, label }) {
  const changed = columns.map(({ name, change }) => text("happened_column", { name, change: change.replace(/^mean /, text("happened_mean")).replace(/^missing /, text("happened_missing")) }));
  const said = [];
  if (changed.length) said.push(text("happened_columns", { columns: changed.join(text("happened_comma")) }));
  if (relations.length) said.push(text("happened_relations", { names: relations.join(text("happened_comma")) }));
  if (label) said.push(text("happened_label"));
  return said;
}

// The actions of a bandit: how often each was taken, and what it earned.
export function showActions(frame) {
  const actions = Object.entries(frame.learners[0].scores.actions).sort(([, a], [, b]) => b.n - a.n);
  const whole = actions.reduce((sum, [, { n }]) => sum + n, 0);
  const rows = actions.map(([name, { n, mean_reward: reward }]) => rowOf(name, show("accuracy", n / whole), n.toLocaleString("en-US"), figure(reward)));
  byId("actions").replaceChildren(headRow(text("column_action"), text("share_taken"), text("times_taken"), metricName("mean_reward")), ...rows);
}

// The models of a router: what each costs, how often it was chosen, and how good its answers were.
export function showRoutes({ series: { models, decisions } }) {
  const rows = models.map(({ name, price, chosen, rewarded, quality }) => rowOf(name, price === null ? text("gone") : figure(price), show("accuracy", decisions ? chosen / decisions : 0), chosen.toLocaleString("en-US"), rewarded ? figure(quality) : "–"));
  byId("routes").replaceChildren(headRow(text("column_chosen_model"), text("price"), text("share_taken"), text("times_taken"), metricName("mean_quality")), ...rows);
}

// The policies that a bandit is compared with, and what each would have earned.
export function showPolicies(frame) {
  const [one] = comparisonsOf(frame.learners[0]);
  if (!one) return;
  const both = (of) => [of(lately(one)), of(one.overall)].map((value) => show(one.metric, value));
  const rows = [[text("line_model"), ...both((span) => span.model)], ...Object.keys(one.overall.guesses).map((name) => [baselineName(name, current()), ...both((span) => span.guesses[name])])];
  byId("policies").replaceChildren(headRow(text("policy"), text("lately"), text("since_start")), ...rows.map((row) => rowOf(...row)));
}

// A line for each output, those behind their baseline first.
export function showOutputs(frame) {
  const found = comparisonsOf(frame.learners[0]), sorted = [...found.filter((one) => !isAhead(one)), ...found.filter(isAhead)];
  const rows = sorted.map((one) => {
    const guess = bestOf(one), row = rowOf(one.output, metricName(one.metric), show(one.metric, lately(one).model), guess ? `${baselineName(guess, current())} ${show(one.metric, lately(one).guesses[guess])}` : "–", show(one.metric, one.overall.model));
    row.cells[2].classList.add(isAhead(one) ? "right" : "late");
    return row;
  });
  byId("outputs").replaceChildren(headRow(text("output"), text("metric"), text("lately"), text("baseline"), text("since_start")), ...rows);
}

// The keys of a fleet with the worst scores first, then those with the best.
export function showKeys({ keys: { name, keys, compared, least, worst, best }, learners: [all] }) {
  const metric = Object.keys(worst[0] ?? best[0] ?? {}).find((one) => one !== "key" && one !== "rows") ?? "";
  const line = (key, n, value) => rowOf(key, n.toLocaleString("en-US"), show(metric, value));
  const rows = [...worst, ...best.slice().reverse()].map((one) => line(one.key, one.rows, one[metric]));
  const [whole] = comparisonsOf(all).filter((one) => one.metric === metric);
  if (whole) rows.push(line(text("all_keys"), all.n_learned, whole.overall.model));
  byId("keys-text").textContent = text("keys_text", { keys: keys.toLocaleString("en-US"), compared: compared.toLocaleString("en-US"), least });
  byId("keys").replaceChildren(headRow(name, text("n_learned"), metricName(metric)), ...rows);
}

export function showRejected(frame) {
  const rejected = Object.entries(frame.learners[0].rejected);
  const lines = rejected.map(([reason, count]) => element("p", `${count.toLocaleString("en-US")} × ${reason}: ${text(`why_${reason}`)}`));
  byId("rejected").replaceChildren(...(lines.length ? lines : [element("p", text("none_rejected"))]));
}

export function showRefused(frame) {
  const rows = frame.refused.map((item) => rowOf(new Date(item.t).toLocaleTimeString(), `${item.endpoint} ${item.status}`, refusalText(item)));
  byId("refused").replaceChildren(...(rows.length ? [headRow(text("time"), text("address"), text("why")), ...rows] : []));
}
