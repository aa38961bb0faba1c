// A net with a recurrent expert, whose rows before have a share in what it predicts: as nn/inspect.py reads it.

import { withRoom } from "../learners/descent.mjs";
import { Inspection } from "./inspect.mjs";

const RECURRENT = 12; // in headwater.h
const TARGETS = 5; // whether answers are standardised, in a declaration
const DECLARED = { head: 18, expert: 19, layers: 18, layer: 8 }; // numbers of a declaration, and where an expert's layers are counted

/** A second look at a net that carries a state from row to row. */
export class MemoryInspection extends Inspection {
  constructor(engine) {
    super(engine, declared(engine));
    this.recurrent = this.experts.findIndex(({ operations }) => operations[0]?.kind === RECURRENT);
    this.layer = this.experts[this.recurrent]?.operations[0];
  }

  /**
   * What the state adds behind the first layer of the recurrent expert, for a row that `read(call, state, gap)` reads: λ^Δt·h
   * as [Re, Im]. Null of a net without such an expert.
   */
  carriedBy(read) {
    const { core, layer } = this;
    if (!layer) return null;
    return withRoom(core, 8 * (layer.m + 1), (at) => {
      const n = (this.units = read(core.calls.js_memory, at, at + 8 * layer.m));
      const [h, gap] = [core.doubles.slice(at >>> 3, (at >>> 3) + 2 * n), core.doubles[(at >>> 3) + layer.m]];
      return h.map((part, i) => {
        const [decay, angle] = this.decayOf(i % n);
        const turn = angle * gap;
        const other = i < n ? -h[n + i] : h[i - n];
        return Math.exp(-decay * gap) * (Math.cos(turn) * part + Math.sin(turn) * other);
      });
    });
  }

  /** e^ν and θ of unit k. */
  decayOf(k) {
    return [this.layer.weights, this.layer.bias].map((at) => Math.exp(this.p[at + k]));
  }

  /** x with its first 2n numbers times γ, which the recurrence does before it adds the state. */
  damped(x) {
    return x.map((one, i) => (i < 2 * this.units ? one * Math.sqrt(1 - Math.exp(-2 * this.decayOf(i % this.units)[0])) : one));
  }

  through(operation, x, state) {
    if (operation.kind !== RECURRENT) return super.through(operation, x);
    return this.damped(x).map((one, i) => one + (state?.[i] ?? 0));
  }

  back(operation, x, y, dy) {
    return operation.kind === RECURRENT ? this.damped(dy) : super.back(operation, x, y, dy);
  }
}

/** What the core was declared of each expert, as far as it matters here; rates among answers that are standardised have a log link. */
function declared(engine) {
  const { data } = engine.array("declaration");
  const [names, experts] = [engine.core.listed("hw_losses"), []];
  for (let at = DECLARED.head; experts.length < data[DECLARED.head - 1]; at += DECLARED.expert + DECLARED.layer * data[at + DECLARED.layers]) {
    const name = names[data[at]];
    experts.push({ loss: { name }, log_link: name === "poisson" && data[TARGETS] === 1 });
  }
  return experts;
}
