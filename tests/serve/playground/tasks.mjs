// Does what a test asks of a playground, without a page:  node tasks.mjs SITE < tasks.json > answers.json
import { stdin, stdout, argv } from "node:process";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const at = (path) => import(pathToFileURL(`${argv[2]}/page/${path}`));
const { load } = await at("js/headwater.mjs");
const { Playground } = await at("playground/worker/playground.js");
const { Stream } = await at("playground/worker/stream.js");
const { ANGLES, PLANES } = await at("playground/worker/planes.js");
const { Scores } = await at("playground/worker/scores.js");
const { tableOf } = await at("playground/worker/table.js");
const { textOf } = await at("playground/worker/decode.js");
const settings = await at("playground/settings.js");
const formulas = await at("playground/view/formulas.js");
const { LESSONS, reached } = await at("playground/lessons/lessons.js");
const hw = await load();

const plain = (value) => JSON.parse(JSON.stringify(value, (_, v) => (ArrayBuffer.isView(v) ? Array.from(v) : v)));
const made = (own, csv) => new Playground(hw, { ...settings.DEFAULTS, ...own }, csv);
const weights = (ground) => plain(ground.net.layers);

const TASKS = {
  /** Carry out calls, [name, …what it is given], and say what each gave: `change` takes settings beside those before. */
  play({ settings: own, csv, calls }) {
    const ground = made(own, csv);
    return calls.map(([name, ...given]) => {
      if (name === "weights") return weights(ground);
      if (name === "save") return Buffer.from(ground.net.save()).toString("base64");
      if (name === "training") return ground.stream.training(ground.play.noise);
      if (name === "change") { ground.change({ ...ground.play, ...given[0] }, given[1]); return null; }
      return plain(ground[name](...given) ?? null);
    });
  },

  take({ data, seed = 3, points = 0, drift = "none", every = 500, noise = 0.1, parts }) {
    const stream = new Stream(PLANES[data], seed, points);
    stream.turn(drift, every);
    return parts.flatMap((n) => Array.from({ length: n }, () => stream.take(noise)));
  },

  angles({ every, at: times }) { return Object.fromEntries(Object.entries(ANGLES).map(([name, angle]) => [name, times.map((t) => angle(t, every))])); },

  table({ csv, columns }) {
    try { return tableOf(csv, columns); } catch (error) { return { code: error.code, values: error.values }; }
  },

  decode({ bytes }) { return textOf(Uint8Array.from(bytes).buffer); },
  look({ csv }) { return tableOf(csv).looked; },

  score({ classes, predictions, y }) {
    const scores = new Scores(classes);
    predictions.forEach((p, i) => scores.take(p, y[i]));
    return { ...scores.now(), curve: scores.curve };
  },

  /** Play a lesson: after each [settings, samples] say how many goals were reached, looked at every few samples. */
  lesson({ name, moves }) {
    const ground = made(LESSONS[name].setup), marks = [];
    let done = 0;
    return moves.map(([own, samples]) => {
      if (own.reset) ground.reset();
      else if (Object.keys(own).length) ground.change({ ...ground.play, ...own });
      for (let n = 0; n < samples; n += 96) {
        ground.run(96);
        const frame = ground.frame();
        marks.push(...frame.marks);
        done = reached(name, done, { ...frame, marks, settings: ground.play });
      }
      return done;
    });
  },

  lists() {
    const goals = Object.fromEntries(Object.entries(LESSONS).map(([name, own]) => [name, own.goals.length]));
    const { RATES, ACTIVATIONS, DATA, DRIFTS, DEFAULTS } = settings;
    return { rates: RATES, activations: ACTIVATIONS, data: DATA, planes: Object.keys(PLANES), drifts: DRIFTS, angles: Object.keys(ANGLES), goals, formulas: { ...formulas }, defaults: settings.refused(DEFAULTS) };
  },

  refused({ settings: own }) { return settings.refused({ ...settings.DEFAULTS, ...own }); },
};

const answers = JSON.parse(await text(stdin)).map(({ do: name, ...task }) => TASKS[name](task));
stdout.write(JSON.stringify(answers));
