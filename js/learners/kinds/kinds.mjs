// Learners of all kinds, each with the questions of its own: a series, anomalies, choices, acting, several answers, and learners of
// classes and numbers with a memory. It is a module by itself, for pages that `headwater export --web` writes of these kinds, and
// needs kinds.wasm, the core with the parts of all of them.
//
//   import { openKind } from "./kinds.mjs";
//   const model = await openKind("model.hw.z");
//   model.forecast(12);

import { compiled, contentOf } from "../../core.mjs";
import { WholeCore } from "../../declare/core.mjs";
import { ModelFileError, reduced, shown } from "../../errors.mjs";
import { fitting, opened } from "../../file/container.mjs";
import { sha256 } from "../../file/sha256.mjs";
import { Acting } from "./acting.mjs";
import { Anomalies } from "./anomalies.mjs";
import { Choices } from "./choices.mjs";
import { Series } from "./series.mjs";
import { Several } from "./several.mjs";
import { modelParts } from "../../file/model.mjs";
import { RememberedClass, RememberedNumber } from "./remembering.mjs";

export { ConfigError, DataError, HeadwaterError, ModelFileError } from "../../errors.mjs";
export { partsOf as partsIn } from "../learner.mjs";

const KINDS = { Forecaster: Series, Anomaly: Anomalies, Bandit: Choices, Agent: Acting, MultiOutput: Several };
const TEACH = ["learn", "learnOne", "save"];
const WITH_MEMORY = { Classifier: RememberedClass, Regressor: RememberedNumber };

/** Open a saved model of any kind: bytes, an address or a response, packed by gzip or not. `core`: where kinds.wasm is. */
export async function openKind(source, { core = new URL("./kinds.wasm", import.meta.url), at = "openKind" } = {}) {
  const [given, module] = await Promise.all([contentOf(source, "a saved model"), compiled(core)]);
  const { header, arrays } = opened(await plain(given), at, sha256);
  const instance = new WholeCore(await WebAssembly.instantiate(module, {}));
  const model = fitting(at, () => learnerIn(instance, header, arrays));
  return header.packed ? asked(model) : model;
}

/** Return a learner that refuses to learn, since `headwater export` has left out what that needs. */
function asked(model) {
  for (const name of TEACH) {
    model[name] = () => {
      throw reduced(name);
    };
  }
  return model;
}

function learnerIn(core, header, arrays) {
  const name = header.learner;
  if (Object.hasOwn(KINDS, name)) return KINDS[name].read(core, header, arrays);
  if (Object.hasOwn(WITH_MEMORY, name)) return remembering(core, name, modelParts(header, arrays, core));
  const expected = `one of ${[...Object.keys(KINDS), ...Object.keys(WITH_MEMORY)].join(", ")}`;
  throw new ModelFileError({ expected, got: shown(name), at: "the file", help: "Serve it with headwater serve." });
}

function remembering(core, name, parts) {
  const model = new WITH_MEMORY[name](core, parts);
  model.restore(parts);
  return model;
}

/** Return the model of a file, or of parts that a smaller build gives away: in the folder of one with a memory this is whole.mjs. */
export function modelIn(instance, { header, arrays, name, parts }) {
  const core = new WholeCore(instance);
  return header ? learnerIn(core, header, arrays) : remembering(core, name, parts);
}

/** Unpack what gzip has packed. */
async function plain(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
