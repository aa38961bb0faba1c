// The settings of a figure: sliders and choices, with a label each.

import { number } from "./texts.mjs";

let made = 0; // controls on this page, for names that are unique

export class Controls {
  /** `changed(live)` is called when the reader has moved one. */
  constructor(declared, words, changed) {
    this.declared = declared;
    this.element = Object.assign(document.createElement("div"), { className: "controls" });
    this.set = {};
    this.inputs = {};
    for (const [name, control] of Object.entries(declared)) {
      const id = `live-${++made}`;
      const label = Object.assign(document.createElement("label"), { htmlFor: id, textContent: words[name] ?? name });
      const input = control.among ? choice(control, words) : slider(control);
      const shown = document.createElement("output");
      input.id = id;
      input.name = name;
      input.addEventListener("input", () => {
        this.#read(name);
        changed(Boolean(control.live));
      });
      const row = Object.assign(document.createElement("div"), { className: "control" });
      row.append(label, input, ...(control.among ? [] : [shown]));
      this.element.append(row);
      this.inputs[name] = { input, shown, control };
    }
    this.reset();
  }

  /** Go back to the settings that the chapter begins with. */
  reset() {
    this.change(Object.fromEntries(Object.entries(this.declared).map(([name, { at }]) => [name, at])));
  }

  /** Set some of them. */
  change(settings) {
    for (const [name, value] of Object.entries(settings)) {
      const { input, control } = this.inputs[name];
      input.value = control.values ? control.values.indexOf(value) : value;
      this.#read(name);
    }
  }

  #read(name) {
    const { input, shown, control } = this.inputs[name];
    this.set[name] = control.among ? input.value : control.values ? control.values[Number(input.value)] : Number(input.value);
    if (control.among) return;
    shown.textContent = control.text ? control.text(this.set[name]) : number(this.set[name], control.values ? digits(this.set[name]) : digits(control.step));
    input.setAttribute("aria-valuetext", shown.textContent);
  }
}

/** A slider from one number to another, or along a list of values. */
function slider({ from, to, step, values }) {
  const input = document.createElement("input");
  const range = values ? { min: 0, max: values.length - 1, step: 1 } : { min: from, max: to, step };
  return Object.assign(input, { type: "range", ...range });
}

function choice({ among }, words) {
  const select = document.createElement("select");
  for (const name of among) select.append(Object.assign(document.createElement("option"), { value: name, textContent: words[name] ?? name }));
  return select;
}

function digits(step) {
  const [, behind = ""] = String(step).split(".");
  return behind.length;
}
