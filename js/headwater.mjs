// headwater for JavaScript: neural networks that learn online, in browsers, workers and Node, with the same bits as in Python.
//
//   import { load } from "./headwater.mjs";
//   const hw = await load();
//   const model = new hw.Classifier({ seed: 1 });
//   model.learnOne({ size: 1.5, colour: "red" }, "apple");
//   model.predictOne({ size: 1.4, colour: "red" });
//   const again = hw.load(model.save());
//
// A page that begins with a saved model loads less: a third of it to predict, half of it to learn, the rest when it is asked for.
//
//   import { open } from "./headwater.mjs";
//   const model = await open("model.hw.z");
//   await model.predictOne({ size: 1.4, colour: "red" });

import { LEARNS, PREDICTS, TIME, WHOLE, compiled, contentOf } from "./core.mjs";
import { opened } from "./file/container.mjs";
import { Opened } from "./learners/opened.mjs";

export { ConfigError, DataError, HeadwaterError, ModelFileError, NotBuiltError, TargetError } from "./errors.mjs";

const learning = () => import("./learn.mjs");
const whole = () => import("./whole.mjs");
const all = () => new URL("./headwater.wasm", import.meta.url);

/** Load headwater.wasm: bytes, an address, a response, or a compiled module; without one, the file beside this one. */
export async function load(source) {
  const [{ faceOf }, module] = await Promise.all([whole(), compiled(source ?? all())]);
  return faceOf(await WebAssembly.instantiate(module, {}));
}

/**
 * Open a saved model: bytes, an address or a response, packed by gzip or not. It begins in the smallest build that predicts it;
 * a larger one is loaded when it is needed, and takes over what was learned. `learn`: begin with one that learns; `builds`:
 * where they are, {predict, lean, whole}.
 */
export async function open(source, { learn = false, builds = {}, at = "open" } = {}) {
  const bytes = await unpacked(await contentOf(source, "a saved model"));
  const places = [
    [PREDICTS, builds.predict ?? new URL("./predict.wasm", import.meta.url)],
    [LEARNS, builds.lean ?? new URL("./lean.wasm", import.meta.url), learning],
    [WHOLE, builds.whole ?? all(), whole],
  ];
  const file = await opened(bytes, at, hashOf);
  const reads = file.arrays.get("column_kind")?.data.some((kind) => kind > TIME);
  return new Opened(places, file, at).reach(reads ? WHOLE : learn ? LEARNS : PREDICTS);
}

/** Return the digest of three parts, as the platform computes it; a page that is not served by https has none for that. */
async function hashOf(...parts) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return (await learning()).digestOf(...parts);
  const digest = new Uint8Array(await subtle.digest("SHA-256", await new Blob(parts).arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Unpack what gzip has packed. */
async function unpacked(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
