// A saved model in the smallest build of the core that can do what is asked of it. Where more is asked, a larger build is loaded and
// takes the model over with all that it has learned: the same bits as if it had been there from the first row.

import { Core, LEARNS, PREDICTS, WHOLE, compiled } from "../core.mjs";
import { NotBuiltError, reduced } from "../errors.mjs";
import { fitting } from "../file/container.mjs";
import { modelParts } from "../file/model.mjs";
import { ClassPredictor, INSPECT, NumberPredictor } from "./predictor.mjs";

const PREDICTORS = { Classifier: ClassPredictor, Regressor: NumberPredictor };

/** Return a learner of one of these kinds, of its parts; what is none of them is left to the whole module. */
export function madeOf(kinds, core, name, partsNow) {
  if (!Object.hasOwn(kinds, name)) throw new NotBuiltError(name);
  const parts = partsNow();
  const model = new kinds[name](core, parts);
  model.restore(parts);
  return model;
}

/** Return the model of a file, or of parts that another build gives away. */
export function modelOfFile(kinds, core, { header, arrays, name, parts }) {
  return madeOf(kinds, core, header ? header.learner : name, () => (header ? modelParts(header, arrays, core) : parts));
}

/** What predicts alone. */
const predicting = { modelIn: (instance, given) => modelOfFile(PREDICTORS, new Core(instance), given) };

/** What `open` gives: it answers when a build that can do it is there, one call after the other. */
export class Opened {
  #places; // what there is: [PREDICTS, address, module]
  #file; // until the first build has taken it: {header, arrays}
  #at;
  #model = null;
  #module = null;
  #can = 0;
  #last = Promise.resolve();

  constructor(places, file, at) {
    this.#places = places;
    this.#file = file;
    this.#at = at;
    /** Whether it can go on learning: not if `headwater export` has left out what that needs. */
    this.learns = !file.header.packed;
  }

  /** Load a build that can do that much, and hand the model over to it. */
  async reach(level) {
    for (const [can, address, moduleOf] of this.#places) {
      if (can < level || can <= this.#can) continue;
      const [module, wasm] = await Promise.all([moduleOf?.() ?? predicting, compiled(address)]);
      const instance = await WebAssembly.instantiate(wasm, {});
      try {
        const made = fitting(this.#at, () => module.modelIn(instance, this.#file ?? this.#given(module)));
        this.#model?.free();
        [this.#model, this.#module, this.#can, this.#file] = [made, module, can, null];
        return this;
      } catch (error) {
        if (!(error instanceof NotBuiltError) || can === WHOLE) throw error;
      }
    }
    throw new NotBuiltError(this.#at);
  }

  #given({ partsIn }) {
    return { name: this.#model.kind, parts: partsIn(this.#model) };
  }

  /** Call a method when all calls before it are done, in a build that has it. */
  ask(level, name, given) {
    const call = async () => {
      if (!this.learns && /learn|save/.test(name)) throw reduced(name);
      if (this.#can < level) await this.reach(level);
      try {
        return this.#model[name](...given);
      } catch (error) {
        if (!(error instanceof NotBuiltError) || this.#can === WHOLE) throw error;
        await this.reach(WHOLE);
        return this.#model[name](...given);
      }
    };
    this.#last = this.#last.then(call, call);
    return this.#last;
  }

  /** Which build it is in: "predict", "lean" or "whole". */
  get build() {
    return ["predict", "lean", "whole"][this.#can - 1];
  }

  /** The model as it is now, whose methods answer at once if its build has them. */
  get model() {
    return this.#model;
  }

  toString() {
    return String(this.#model);
  }

  [INSPECT]() {
    return this.toString();
  }
}

const METHODS = {
  [PREDICTS]: ["predictOne", "predictProbaOne", "predictIntervalOne", "free"],
  [LEARNS]: ["learnOne", "save", "digest"],
  [WHOLE]: ["explainOne", "learnMany", "predictMany", "predictProbaMany"],
};
for (const [level, names] of Object.entries(METHODS)) {
  for (const name of names) {
    Opened.prototype[name] = function (...given) {
      return this.ask(given[1]?.costs ? WHOLE : Number(level), name, given);
    };
  }
}
for (const name of ["kind", "classes", "columns", "nLearned", "notes"]) {
  Object.defineProperty(Opened.prototype, name, {
    get() {
      return this.model[name];
    },
  });
}
