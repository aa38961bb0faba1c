// The whole core: learners are declared to it, and it says what is wrong with a declaration or a state.

import { ARRAY, Core, NO_MEMORY, WHOLE, noMemory, randomWords } from "../core.mjs";
import { ConfigError, HeadwaterError, ModelFileError, short } from "../errors.mjs";

export class WholeCore extends Core {
  #lists = {};

  constructor(instance) {
    super(instance);
    if (this.calls.js_build() === WHOLE) return;
    const help = "Load headwater.wasm; open() takes the smaller ones.";
    throw new HeadwaterError({ expected: "headwater.wasm, which has all", got: "a smaller build", at: "load", help });
  }

  /** The names of a list of the core's, by the call that gives it: a declaration says them by number. */
  listed(call) {
    this.#lists[call] ??= this.namesOf(call);
    return this.#lists[call];
  }

  namesOf(call) {
    const at = this.calls[call](this.staging);
    this.settle();
    return Array.from({ length: this.words[this.staging >>> 2] }, (_, i) => this.readText(this.words[(at >>> 2) + i]));
  }

  /** Make a learner from the numbers that declare it; returns where it lies. */
  make(declaration) {
    const at = this.copied(declaration);
    const learner = this.calls.js_make(at, declaration.length, ...randomWords());
    this.settle();
    this.free(at);
    return learner || this.refuse(ConfigError, "Give such a number.");
  }

  /** Write numbers into an array of the state. */
  overwrite(learner, name, numbers) {
    const found = this.array(learner, name);
    if (found?.data.length !== numbers?.length) {
      const expected = `numbers for ${name}: ${found ? found.data.length : "no such array"}`;
      throw new HeadwaterError({ expected, got: String(numbers?.length), at: "write", help: "Give as many as it has." });
    }
    const at = new DataView(this.memory.buffer, this.staging, ARRAY.size).getUint32(ARRAY.data, true);
    new found.data.constructor(this.memory.buffer, at, found.data.length).set(numbers);
  }

  /** Raise the fault that the core found in a declaration or a state. */
  refuse(kind = ModelFileError, help = "Use another copy.") {
    const at = this.calls.js_fault();
    const view = new DataView(this.memory.buffer, at, 24);
    const status = view.getInt32(16, true);
    if (status === NO_MEMORY) throw noMemory("a learner of this size");
    const [where, expected] = [view.getUint32(0, true), view.getUint32(4, true)];
    if (!where) throw new kind({ expected: "sizes within the limits", got: "larger ones", at: "the model", help });
    const got = short(view.getFloat64(8, true));
    throw new kind({ expected: this.readText(expected), got, at: this.readText(where), help });
  }
}
