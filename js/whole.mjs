// All of headwater: learners that are declared here, networks, explanations. It is loaded when one of these is asked for.

import { WholeCore } from "./declare/core.mjs";
import { leanOf } from "./declare/declare.mjs";
import { ELSEWHERE } from "./declare/declared.mjs";
import { learnerOf } from "./declare/setup.mjs";
import { ModelFileError, kindOf, shown } from "./errors.mjs";
import { fitting, opened } from "./file/container.mjs";
import { modelParts, stateOf } from "./file/model.mjs";
import { sha256 } from "./file/sha256.mjs";
import { settingsAsJson, settingsFromJson } from "./file/settings.mjs";
import { Classifier } from "./learners/classifier.mjs";
import { partsOf } from "./learners/learner.mjs";
import { Network } from "./learners/network.mjs";
import { madeOf } from "./learners/opened.mjs";
import { Regressor } from "./learners/regressor.mjs";

const MODELS = { Classifier, Regressor };

/** Return what `load` gives, for an instance of headwater.wasm. */
export function faceOf(instance) {
  const core = new WholeCore(instance);
  return Object.freeze({
    Classifier: named("Classifier", Classifier, (given) => begun(core, "Classifier", given)),
    Regressor: named("Regressor", Regressor, (given) => begun(core, "Regressor", given)),
    Network: named("Network", Network, (given) => new Network(core, given)),
    /** Read a model that `save` wrote, here or in Python; it goes on learning where it stopped, to the bit. */
    load: (bytes, at = "load") => modelOf(core, bytes, at),
  });
}

/** Return a constructor of that name. */
function named(name, Made, make) {
  const constructor = {
    [name]: function (given) {
      return make(given);
    },
  }[name];
  constructor.prototype = Made.prototype;
  return constructor;
}

function begun(core, name, given = {}) {
  const { setup, settings } = learnerOf(name, given);
  return new MODELS[name](core, { setup, settings, kept: { settings: settingsAsJson(settings) } });
}

function modelOf(core, given, at) {
  const whole = given instanceof Uint8Array;
  if (!whole && !(given instanceof ArrayBuffer)) {
    const help = "Read the file first.";
    throw new ModelFileError({ expected: "the bytes of a saved model", got: kindOf(given), at, help });
  }
  // of Node's Buffer the plain bytes, which slice as others do
  const bytes = whole ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength) : new Uint8Array(given);
  const { header, arrays } = opened(bytes, at, sha256);
  if (header.packed) {
    const got = "one that headwater export has reduced to what predicts";
    throw new ModelFileError({ expected: "a model as save() writes it", got, at, help: "Read it with open()." });
  }
  return fitting(at, () => fromFile(core, header, arrays));
}

function fromFile(core, header, arrays) {
  if (header.learner === "Network") return networkOf(core, header, arrays);
  if (!Object.hasOwn(MODELS, header.learner)) {
    const help = Object.hasOwn(ELSEWHERE, header.learner) ? ELSEWHERE[header.learner] : "Use another copy.";
    throw new ModelFileError({ expected: "a classifier, a regressor or a network", got: shown(header.learner), at: "the file", help });
  }
  return madeOf(MODELS, core, header.learner, () => withSettings(core, header.learner, modelParts(header, arrays, core)));
}

/** Return the parts of a learner with what declares it. */
function withSettings(core, name, parts) {
  const { settings, core: version } = parts.kept;
  const made = learnerOf(name, { text: null, ...settingsFromJson(settings) }); // files of the first versions have no columns of text
  made.setup.lean = leanOf(version, made.setup);
  return { ...parts, ...made };
}

function networkOf(core, header, arrays) {
  const settings = settingsFromJson(header.settings);
  const net = new Network(core, { ...settings, inputs: null }, { shuffle: header.shuffle });
  return settings.inputs === null ? net : net.build(settings.inputs, stateOf(arrays, core));
}

/** Return the model of a file, or of parts that a smaller build gives away. */
export function modelIn(instance, { header, arrays, name, parts }) {
  const core = new WholeCore(instance);
  return header ? fromFile(core, header, arrays) : madeOf(MODELS, core, name, () => withSettings(core, name, parts));
}

/** Return the parts of a model, for a larger build. */
export function partsIn(model) {
  return partsOf(model);
}
