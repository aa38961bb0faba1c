// The form of a sample: one field a column, by its kind; names and categories are put in as text.

import { shownNumber, text } from "./texts.mjs";

const FIRST = 24; // columns that are shown at once
const MOST_CATEGORIES = 500;
const LETTERS = 60; // of a name that are shown
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufefc]/;

export const byId = (id) => document.getElementById(id);

export function element(tag, content, more = {}) {
  const made = document.createElement(tag);
  if (content !== undefined) made.textContent = content;
  return Object.assign(made, more);
}

/** The beginning of a name that is long, apart from what stands beside it where it is read from right to left. */
export function brief(name) {
  const letters = [...name];
  const cut = letters.length > LETTERS ? `${letters.slice(0, LETTERS - 1).join("")}…` : name;
  return RIGHT_TO_LEFT.test(cut) ? `\u2068${cut}\u2069` : cut;
}

const LITERAL = /("(?:[^"\\]|\\.)*")/; // of a text, in code

/** Show lines of code, with each text that is read from right to left apart from what stands beside it; what is copied is the code. */
export function showCode(code) {
  const parts = code.split(LITERAL);
  byId("code").replaceChildren(...parts.map((part) => (LITERAL.test(part) && RIGHT_TO_LEFT.test(part) ? element("bdi", part) : part)));
}

/** A name as a reader sees it: one that is no text in Python says what it is by itself. */
export const shownName = (name) => brief(name.replace(/^\0(?:int|float) /, ""));

/** Make the fields; `onChange` is called after each change. */
export function makeForm(columns, all, onChange) {
  const form = byId("form");
  const shown = all ? columns : columns.slice(0, FIRST);
  form.replaceChildren(...shown.map((column, i) => fieldOf(column, i)));
  form.oninput = onChange;
  form.onsubmit = (event) => event.preventDefault();
  const more = byId("more");
  more.hidden = shown.length === columns.length;
  more.textContent = text("more", { n: columns.length });
  more.onclick = () => {
    const before = readForm();
    makeForm(columns, true, onChange);
    fillForm(before);
  };
}

function fieldOf({ name, kind, categories, mean }, i) {
  const label = element("label", shownName(name), { title: name });
  const input = element("input", undefined, { id: `field-${i}`, name, autocomplete: "off" });
  input.dataset.kind = kind;
  if (kind === "number") Object.assign(input, { type: "number", step: "any", placeholder: Number.isFinite(mean) ? shownNumber(mean) : "" });
  if (kind === "time") Object.assign(input, { type: "datetime-local", step: 1 });
  label.append(input);
  if (kind !== "category") return label;
  const list = element("datalist", undefined, { id: `list-${i}` });
  list.append(...categories.slice(0, MOST_CATEGORIES).map((value) => element("option", undefined, { value })));
  input.setAttribute("list", list.id);
  label.append(list);
  return label;
}

/** The sample in the form as pairs [name, value], null where a field is empty. */
export function readForm() {
  return [...byId("form").elements].map((input) => {
    const number = input.dataset.kind === "number";
    return [input.name, input.value === "" ? null : number ? input.valueAsNumber : input.value];
  });
}

export function fillForm(pairs) {
  const values = new Map(pairs);
  for (const input of byId("form").elements) {
    const value = values.get(input.name);
    if (value !== null && value !== undefined) input.value = String(value);
  }
}

/** A sample to begin with: numbers at their means, the first category of each column. */
export function typicalSample(columns) {
  return columns.map(({ name, kind, categories, mean }) => {
    const number = Number.isFinite(mean) ? Number(mean.toPrecision(3)) : null;
    return [name, kind === "number" ? number : kind === "category" ? (categories[0] ?? null) : null];
  });
}
