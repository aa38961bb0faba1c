// The champion and its challengers. Promote and Remove ask first, and say what will be lost.
import { confirm } from "../shared/confirm.js";
import { byId, element } from "../shared/dom.js";
import { current, text } from "../shared/language.js";
import { request } from "../shared/request.js";
import { attempt } from "./controls.js";
import { state } from "./state.js";
import { headRow } from "./tables.js";
import { comparisonsOf, intervalOf, lately, metricName, show } from "./verdict.js";

// Rows stay while their learners do: a button that is made anew under a finger is not pressed.
export function showLearners(frame) {
  const table = byId("learners"), key = frame.learners[0].scores.comparisons[0]?.metric ?? "";
  const shown = JSON.stringify([current(), frame.name, key, frame.learners.map((learner) => [learner.name, learner.champion])]);
  if (table.dataset.shown !== shown) {
    table.dataset.shown = shown;
    table.replaceChildren(headRow(text("name"), text("role"), text("n_learned"), `${metricName(key)}, ${text("lately")}`, text("since_start"), text("step_short")), ...frame.learners.map(rowOf));
  }
  frame.learners.forEach((learner, i) => {
    const [one] = comparisonsOf(learner), [last, whole] = one ? [lately(one).model, one.overall.model] : [null, null];
    const within = one && intervalOf(learner.scores, one);
    const values = [learner.n_learned.toLocaleString("en-US"), between(key, last, within), between(key, whole, learner.scores.interval), learner.step == null ? "–" : `× ${learner.step}`];
    values.forEach((value, j) => { table.rows[i + 1].cells[j + 2].textContent = value; });
  });
  showLeads(frame);
}

// A metric with its 95 % interval, where it is an estimate.
const between = (key, value, interval) => (interval && value != null ? text("interval", { value: show(key, value), low: show(key, interval[0]), high: show(key, interval[1]) }) : show(key, value));

// Whether each challenger is better than the champion, in the server's sentences.
function showLeads(frame) {
  const place = byId("leads"), leads = frame.learners.flatMap(({ name, said }) => said[current()].map((sentence) => [name, sentence]));
  const shown = JSON.stringify(leads);
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  place.replaceChildren(...leads.map(([name, sentence]) => { const line = element("li"); line.append(element("bdi", name), " · ", sentence); return line; }));
}

function rowOf({ name, champion }) {
  const row = element("tr"), role = element("td", champion ? text("champion") : undefined);
  if (!champion) {
    role.append(element("button", text("promote"), { type: "button", onclick: () => promote(name) }), " ",
      element("button", text("remove"), { type: "button", onclick: () => remove(name) }));
  }
  row.append(element("td", name), role, ...Array.from({ length: 4 }, () => element("td")));
  return row;
}

const learnerOf = (name) => state.frame.learners.find((learner) => learner.name === name);
const pathOf = (name) => `/models/${state.frame.name}/challengers/${name}`;

async function promote(name) {
  const champion = state.frame.learners[0], [own, theirs] = [learnerOf(name), champion].map((learner) => comparisonsOf(learner)[0]), metric = (theirs ?? own)?.metric ?? "";
  const score = (one) => show(metric, one && lately(one).model);
  const lines = [
    text("promote_answers", { name, score: metricName(metric), n: (own ? lately(own).n : 0).toLocaleString("en-US"), own: score(own), champion: score(theirs) }),
    ...learnerOf(name).said[current()],
    text("promote_loses", { champion: champion.name }),
  ];
  if (await confirm({ title: text("promote_title", { name }), lines, deed: text("promote") })) attempt(() => request("POST", `${pathOf(name)}/promote`));
}

async function remove(name) {
  const lines = [text("remove_loses", { n: learnerOf(name).n_learned.toLocaleString("en-US") })];
  if (await confirm({ title: text("remove_title", { name }), lines, deed: text("remove") })) attempt(() => request("DELETE", pathOf(name)));
}
