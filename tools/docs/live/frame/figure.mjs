// One live figure: its question, its settings, its buttons, what it shows. A chapter declares these; the figure does the rest.
//
// A chapter's file exports {words, controls, rows, pace, start, step, show, pick}:
//   words      {en, zh}: ask, answer, and the words for controls and numbers, by their names
//   controls   {name: {from, to, step, at, live}} or {name: {among, at, live}}; live: taken in without starting again
//   rows       the name of rows that were written when the site was built (tools/docs/website/live.py)
//   pace       {every, steps}: milliseconds between two frames while it plays, and steps in each
//   start      ({hw, rows, set, before}) => state; before: the state that this one takes the place of, which may be freed
//   step       (state, set) => false when there is nothing more to do; without it there are no buttons
//   show       (state, set, words) => {pictures, numbers}: pictures of plane, net, table, bars; numbers by name, as text
//   pick       (point, which) => settings: what a press on plane number `which` means

import { core } from "./core.mjs";
import { Controls } from "./controls.mjs";
import { net } from "./net.mjs";
import { escaped } from "./marks.mjs";
import { plane, pointed } from "./plane.mjs";
import { bars, table } from "./table.mjs";
import { texts } from "./texts.mjs";

const CALM = 700; // milliseconds between two frames for a reader who asks for less motion
const PAUSE = 500; // what is said aloud waits for a moment without change

export class Figure {
  static async open(host, chapter, language) {
    const own = chapter.rows ? fetch(new URL(`../rows/${chapter.rows}.json`, import.meta.url)).then((found) => found.json()) : null;
    const [hw, rows] = await Promise.all([core(), own]);
    return new Figure(host, chapter, language, hw, rows);
  }

  constructor(host, chapter, language, hw, rows) {
    this.host = host;
    this.chapter = chapter;
    this.words = { ...texts[language], ...chapter.words[language] };
    this.language = language;
    this.given = { hw, rows };
    this.playing = false;
    this.seen = true;
    this.last = 0;
    this.#build();
    this.again();
    this.#watchTheme();
  }

  /** Rest while the figure is out of sight, and go on afterwards. */
  inSight(seen) {
    this.seen = seen;
    this.host.dataset.seen = seen;
    if (seen && this.playing) this.#next();
  }

  /** Begin with the settings as they stand. */
  again() {
    const before = this.state;
    this.state = this.chapter.start({ ...this.given, before, set: this.controls.set, words: this.words });
    before?.free?.();
    this.done = false;
    this.draw();
  }

  // ---- going on -----------------------------------------------------------------------------------------------------

  step(count = 1) {
    for (let i = 0; i < count && !this.done; i++) {
      this.done = this.chapter.step(this.state, this.controls.set) === false;
    }
    if (this.done) this.play(false);
    this.draw();
  }

  play(on) {
    this.playing = on && !this.done;
    this.playButton.textContent = this.playing ? this.words.pause : this.words.play;
    this.host.dataset.playing = this.playing;
    if (this.playing) this.#next();
  }

  #next() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame((now) => {
      if (!this.playing || !this.seen) return;
      const { every = 0, steps = 1 } = this.chapter.pace ?? {};
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (now - this.last >= (calm ? Math.max(every, CALM) : every)) {
        this.last = now;
        this.step(steps);
      }
      if (this.playing) this.#next();
    });
  }

  // ---- what is seen and said ------------------------------------------------------------------------------------------

  draw() {
    const { pictures = [], numbers = {} } = this.chapter.show(this.state, this.controls.set, this.words);
    this.view.innerHTML = pictures.map((picture) => this.#drawn(picture)).join("");
    this.numbers.innerHTML = Object.entries(numbers)
      .map(([name, text]) => `<span><span>${escaped(this.words[name] ?? name)}</span> <b data-name="${name}">${escaped(text)}</b></span>`)
      .join("");
    this.#say(Object.entries(numbers).map(([name, text]) => `${this.words[name] ?? name}: ${text}`));
  }

  #drawn(picture) {
    if (picture.columns) return net(picture);
    if (picture.head) return table(picture);
    if (picture.items) return bars(picture);
    return plane(this.host, picture);
  }

  /** Say the numbers to who can't see them, once they have come to rest. */
  #say(parts) {
    clearTimeout(this.saying);
    if (this.playing) return;
    this.saying = setTimeout(() => (this.said.textContent = parts.join("; ")), PAUSE);
  }

  #build() {
    const { words, chapter, host } = this;
    const make = (name, kind, text = "") => Object.assign(document.createElement(name), { className: kind, textContent: text });
    host.setAttribute("role", "group");
    host.setAttribute("aria-label", words.live);
    const ask = make("p", "ask");
    ask.append(make("strong", "", words.live), ` ${words.ask}`);
    this.view = make("div", "view");
    this.numbers = make("div", "readings");
    this.controls = new Controls(chapter.controls ?? {}, words, (live) => (live ? this.draw() : this.again()));
    this.said = make("p", "said");
    this.said.setAttribute("role", "status");
    const answer = make("details", "answer");
    answer.append(make("summary", "", words.answer), make("p", "", words.solution));
    host.replaceChildren(ask, this.controls.element, this.#buttons(make), this.view, this.numbers, this.said, answer);
    if (chapter.pick) this.view.addEventListener("pointerdown", (event) => this.#picked(event));
  }

  #buttons(make) {
    const row = make("div", "buttons");
    const button = (name, press) => {
      const made = make("button", name, this.words[name]);
      made.type = "button";
      made.addEventListener("click", press);
      row.append(made);
      return made;
    };
    if (this.chapter.step) {
      button("step", () => (this.play(false), this.step()));
      this.playButton = button("play", () => this.play(!this.playing));
    } else {
      this.playButton = make("button", "");
    }
    button("reset", () => {
      this.play(false);
      this.controls.reset();
      this.again();
    });
    return row;
  }

  #picked(event) {
    const element = event.target.closest("svg.plane");
    const at = element && pointed(element, event);
    const which = [...this.view.children].indexOf(element);
    const settings = at && this.chapter.pick(at, which, this.controls.set);
    if (!settings) return;
    this.controls.change(settings);
    this.again();
  }

  /** Shades are painted, so they change with the page's theme. */
  #watchTheme() {
    const redraw = () => this.draw();
    new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }
}
