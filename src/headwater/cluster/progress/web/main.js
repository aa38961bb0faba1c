// The page of a cluster run: asks each second how the run stands, and shows it in cards and as a line of rows per second.
import { byId, element } from "../shared/dom.js";
import { addTexts, applyLanguage, current, switchLanguage, text } from "../shared/language.js";
import { applyTheme, firstTheme, isDark } from "../shared/theme.js";
import { figure, linesOf, none, share } from "../words/verdict.mjs";
import { CLUSTER } from "./texts.js";

const MOST = 300, SPAN = 10; // answers that the line shows, and those that a rate is over: a round may take seconds
const seen = [], rates = [];
let last = {}, reached = true;

const SHARES = ["accuracy", "balanced_accuracy", "exact_match"];
const whole = (x) => Math.round(x).toLocaleString("en-US");
const short = (x) => figure(x, 3);
const scored = (name, value) => (SHARES.includes(name) ? text("percent", { n: share(value) }) : figure(value));

function workers(s) {
  const more = [s.nodes > 1 ? text("on_many", { nodes: s.nodes }) : text("on_one"), s.lost ? text("some_lost", { n: s.lost }) : text("none_lost")];
  if (s.left) more.push(text("left", { n: s.left }));
  return [text("workers"), text("of", s), more.join(" · ")];
}

function loss(s) {
  const of = s.loss ?? ("accuracy" in s.scores ? "accuracy" : "error"), points = of !== "error";
  const value = s.merge_loss === null ? text("not_yet") : points ? text("points", { n: short(s.merge_loss) }) : text("percent", { n: short(100 * s.merge_loss) });
  return [text("loss"), value, text(`loss_${of}`)];
}

function cards(s) {
  return [
    workers(s),
    [text("learned"), whole(s.rows), text("rounds", { round: whole(s.round), block: whole(s.block) })],
    [text("rate"), whole(s.rows_per_s), text("a_row", { ms: short(1000 * s.seconds_a_row) })],
    [text("age"), s.ended ? text("final") : text("age_value", { seconds: s.age < 10 ? s.age.toFixed(1) : whole(s.age) }), text("since")],
  ];
}

function figures(s) {
  const kB = (bytes) => whole(bytes / 1000 / Math.max(s.round, 1));
  return [
    [text("sync"), text("percent", { n: whole(100 * s.sync) }), text("travelled", { out: kB(s.sent), back: kB(s.received) })],
    loss(s),
    [text("rewound"), whole(s.rewound), text(s.loss === "cost" ? "rewound_cost" : "rewound_more")],
    ...Object.entries(s.scores).filter(([, value]) => value !== null).map(([name, value]) => [text(name), scored(name, value), text("last_rows")]),
  ];
}

function showVerdict(s) {
  const lines = "round" in s ? linesOf(s.comparisons ?? [], current()) : [];
  const said = lines.flatMap(({ recent, overall, state }) => [[recent || overall, state], ...(recent ? [[overall, ""]] : [])]);
  byId("verdict").replaceChildren(...(said.length || !("round" in s) ? said : [[none(current()), ""]]).map(([sentence, state]) => {
    const line = element("p", sentence, { className: state ? "line" : "soft" });
    line.dataset.state = state;
    return line;
  }));
}

function card([name, value, more]) {
  const box = element("div", undefined, { className: "number" });
  box.append(element("dt", name), element("dd", value, { className: "value" }), element("dd", more, { className: "more" }));
  return box;
}

function stateOf(s) {
  if (!reached) return ["gone", text("gone")];
  if (!("round" in s)) return ["first", text("first")];
  if (s.ended) return ["ended", text("ended")];
  return s.age > 10 ? ["quiet", text("quiet", { seconds: whole(s.age) })] : ["learning", text("learning")];
}

function drawLine() {
  const top = Math.max(...rates, 1), step = 100 / Math.max(rates.length - 1, 1);
  byId("line").setAttribute("points", rates.map((rate, i) => `${i * step},${100 - 96 * rate / top}`).join(" "));
  byId("most").textContent = rates.length ? text("most", { n: whole(top) }) : "";
  byId("since").textContent = text("ago", { seconds: whole(Math.max(rates.length - 1, 0)) });
  byId("rates").setAttribute("aria-label", `${text("rate")}: ${rates.length ? whole(rates.at(-1)) : "–"}`);
}

function draw() {
  const [name, said] = stateOf(last);
  byId("state").dataset.state = name;
  if (byId("state").textContent !== said) byId("state").textContent = said; // it is read out when it changes
  showVerdict(last);
  byId("numbers").replaceChildren(...("round" in last ? cards(last).map(card) : []));
  byId("more").replaceChildren(...("round" in last ? figures(last).map(card) : []));
  byId("language").textContent = text("language");
  byId("theme").textContent = text(isDark() ? "light" : "dark");
  drawLine();
}

// Rows a second over the last answers; before there are two, the mean of the run.
function note(rows, at) {
  seen.push([rows, at]);
  if (seen.length > SPAN) seen.shift();
  const [before, since] = seen[0];
  rates.push(seen.length > 1 ? Math.max(rows - before, 0) / (at - since) : last.rows_per_s);
  if (rates.length > MOST) rates.shift();
}

async function ask() {
  try {
    last = await (await fetch("/status")).json();
    reached = true;
    if ("round" in last && !last.ended) note(last.rows, performance.now() / 1000);
  } catch {
    reached = false;
  }
  draw();
}

addTexts(CLUSTER);
applyTheme(firstTheme());
applyLanguage();
byId("language").onclick = () => { switchLanguage(); draw(); };
byId("theme").onclick = () => { applyTheme(isDark() ? "light" : "dark"); draw(); };
ask();
setInterval(ask, 1000);
