// headwater for JavaScript: neural networks that learn online, in browsers, workers and Node, with the same bits as in Python.
//
//   import { load } from "./headwater.mjs";
//   const hw = await load();
//   const model = new hw.Classifier({ seed: 1 });
//   model.learnOne({ size: 1.5, colour: "red" }, "apple");
//   model.predictOne({ size: 1.4, colour: "red" });
//   const again = hw.load(model.save());

import { Classifier } from "./learners/classifier.mjs";
import { fitting, opened } from "./file/container.mjs";
import { Core, compiled } from "./core.mjs";
import { ModelFileError, kindOf } from "./errors.mjs";
import { modelParts, settingsFromJson, stateOf } from "./file/model.mjs";
import { Network } from "./learners/network.mjs";
import { Regressor } from "./learners/regressor.mjs";

export { ConfigError, DataError, HeadwaterError, ModelFileError, TargetError } from "./errors.mjs";

/** Load headwater.wasm: bytes, an address, a response, or a compiled module; without one, the file beside this one. */
export async function load(source) {
  const instance = await WebAssembly.instantiate(await compiled(source), {});
  const core = new Core(instance);
  return Object.freeze({
    Classifier: over(core, Classifier),
    Regressor: over(core, Regressor),
    Network: over(core, Network),
    /** Read a model that `save` wrote, here or in Python; it goes on learning where it stopped, to the bit. */
    load: (bytes, at = "load") => modelOf(core, bytes, at),
  });
}

/** Return a constructor whose objects live in a core. */
function over(core, Made) {
  const named = {
    [Made.name]: function (...given) {
      return new Made(core, ...given.slice(0, 1));
    },
  }[Made.name];
  named.prototype = Made.prototype;
  return named;
}

function modelOf(core, given, at) {
  const whole = given instanceof Uint8Array;
  if (!whole && !(given instanceof ArrayBuffer)) {
    const help = "Read the file first; hw.load takes what it holds.";
    throw new ModelFileError({ expected: "the bytes of a saved model", got: kindOf(given), at, help });
  }
  // of Node's Buffer the plain bytes, which slice as others do
  const bytes = whole ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength) : new Uint8Array(given);
  const { header, arrays } = opened(bytes, at);
  return fitting(at, () => (header.learner === "Network" ? networkOf(core, header, arrays) : learnerOf(core, header, arrays)));
}

function learnerOf(core, header, arrays) {
  const Made = { Classifier, Regressor }[header.learner];
  if (!Made) throw new TypeError(`learner ${header.learner}`);
  const { settings, kept, ...parts } = modelParts(header, arrays, smallestState(core));
  const model = new Made(core, settings, kept);
  model.restore(parts);
  return model;
}

function networkOf(core, header, arrays) {
  const settings = settingsFromJson(header.settings);
  const net = new Network(core, { ...settings, inputs: null }, { shuffle: header.shuffle });
  return settings.inputs === null ? net : net.build(settings.inputs, stateOf(arrays, smallestState(core)));
}

/** Return the arrays that learning changes, in the order of the core's list: those of the smallest learner. */
function smallestState(core) {
  core.smallestState ??= smallestStateOf(core);
  return core.smallestState;
}

function smallestStateOf(core) {
  const net = new Network(core, { layers: [{ name: "dense", units: 1 }], inputs: 1 });
  const state = net.engine.state();
  net.free();
  return state;
}
