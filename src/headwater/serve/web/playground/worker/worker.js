// The playground's worker: the net learns here, so that the page stays responsive. It answers each message {id, ask, …} with {id, answer} or {id, refused}.
import { load } from "../../js/headwater.mjs";
import { FEATURES, DATA, BOX } from "../settings.js";
import { grid, inputsOf, signed } from "./features.js";
import { PLANES } from "./planes.js";
import { Playground } from "./playground.js";
import { Stream } from "./stream.js";
import { Unusable } from "./table.js";

const THUMBNAIL = 120;
const core = load();
let playground = null;

/** What a page can offer: data with some points of each, and features over the plane. */
function choices() {
  const points = (name) => { const stream = new Stream(PLANES[name], 1, 0); return Array.from({ length: THUMBNAIL }, () => stream.take(0.15)); };
  return {
    box: BOX,
    data: Object.fromEntries(DATA.map((name) => [name, { classes: PLANES[name].classes.length, points: points(name) }])),
    features: Object.fromEntries(Object.keys(FEATURES).map((name) => [name, signed(inputsOf(grid(24), [name]).data)])),
  };
}

const ASKED = {
  async begin({ settings, csv }) {
    const made = new Playground(await core, settings, csv);
    playground?.net.free();
    playground = made;
    return { ...playground.frame(), choices: choices() };
  },
  change({ settings, csv }) { playground.change(settings, csv); return playground.frame(); },
  run({ rows }) { playground.run(rows); return playground.frame(); },
  step() { const steps = playground.step(); return { ...playground.frame(), steps }; },
  reset() { playground.reset(); return playground.frame(); },
  weigh(weight) { playground.weigh(weight); return playground.frame(); },
  predict({ points }) { return playground.predict(points); },
  look() { return playground.look(); },
  save() { return playground.net.save(); },
};

onmessage = async ({ data: { id, ask, ...given } }) => {
  try {
    postMessage({ id, answer: await ASKED[ask](given) });
  } catch (error) {
    const { code, values } = error instanceof Unusable ? error : { code: "", values: {} }; // others say it in a sentence
    postMessage({ id, refused: { code, values, message: error.message } });
  }
};
