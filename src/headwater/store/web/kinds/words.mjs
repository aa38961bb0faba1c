// What views of all kinds share: words in two languages, tables with bars, fields of an answer, and scores since the page was opened.

import { brief, element } from "./form.mjs";
import { language } from "./texts.mjs";

const WINDOW = 1000; // answers that the recent score is over
const SHARED = {
  en: { code: "Put kinds.mjs, kinds.wasm and model.hw.z beside your page." },
  zh: { code: "把 kinds.mjs、kinds.wasm 和 model.hw.z 放在网页旁边。" },
};

/** Return what says a word of a view, with {name} replaced by values. */
export function Words(own) {
  const word = (words) => (key, values = {}) => words[language()][key].replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  return Object.assign(word(own), { shared: word(SHARED) });
}

/** A table of names and numbers with a bar each; `share`: how long each bar is, from 0 to 1; null: no bars. */
export function table(head, rows) {
  const made = element("table");
  const [top, body] = [element("thead"), element("tbody")];
  const titles = element("tr");
  titles.append(...head.map((name, i) => element("th", name, { scope: "col", className: i ? "number" : "" })));
  if (rows.some(({ share }) => share !== undefined)) titles.append(element("td"));
  top.append(titles);
  body.append(...rows.map(({ cells: [name, ...numbers], share, marked }) => {
    const row = element("tr", undefined, { className: marked ? "marked" : "" });
    row.append(element("th", brief(name), { scope: "row", title: name }), ...numbers.map((one) => element("td", one, { className: "number" })));
    if (share !== undefined) row.append(barOf(share));
    return row;
  }));
  made.append(top, body);
  const scroll = element("div", undefined, { className: "scroll", tabIndex: 0 });
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-labelledby", "said-title");
  scroll.append(made);
  return scroll;
}

function barOf(share) {
  const cell = element("td", undefined, { className: "bar" });
  const bar = element("span");
  bar.style.width = `${Math.round(100 * Math.min(Math.max(share, 0), 1))}%`;
  cell.append(bar);
  return cell;
}

/** A field with its label, put into a form. */
export function field(form, label, input) {
  const around = element("label", brief(label));
  around.append(input);
  form.append(around);
  return input;
}

export const choice = (id, pairs) => {
  const select = element("select", undefined, { id });
  select.append(...pairs.map(([value, name]) => element("option", name, { value })));
  return select;
};

export const button = (name, onclick, more = {}) => element("button", name, { type: "button", onclick, ...more });

/** Scores since the page was opened: of the model and of guesses, over all answers and the last ones. */
export class Tally {
  #rows = [];
  #sums = null;
  #n = 0;

  /** `how`: what the verdict is to say (verdict.mjs). */
  constructor(how) {
    this.how = { output: "", more_is_better: true, ...how };
  }

  /** Add an answer: the score of the model, and of each guess. */
  add(model, guesses = {}) {
    const row = { model, ...guesses };
    this.#n += 1;
    this.#rows.push(row);
    if (this.#rows.length > WINDOW) this.#rows.shift();
    this.#sums = summed(this.#sums, row);
  }

  get said() {
    const span = (n, { model, ...guesses }) => ({
      n,
      model: model / n,
      guesses: { ...Object.fromEntries(Object.entries(guesses).map(([name, sum]) => [name, sum / n])), ...this.how.expected },
    });
    return { ...this.how, recent: span(this.#rows.length, this.#rows.reduce(summed, null) ?? { model: NaN }), overall: span(this.#n, this.#sums ?? { model: NaN }) };
  }
}

function summed(sums, row) {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, (sums?.[name] ?? 0) + value]));
}
