// Nets for the figures, computed by headwater's core, with rows and numbers as plain lists.

import { load } from "../../page/js/headwater.mjs";

let opened = null;

/** The core with 64-bit numbers, loaded once a page. */
export function core() {
  opened ??= load(new URL("../../page/js/headwater64.wasm", import.meta.url));
  return opened;
}

/** Rows as the core reads them: lists of numbers, or single numbers. */
export function matrix(rows) {
  if (rows.shape) return rows;
  const width = rows[0]?.length ?? 1;
  return { data: Float64Array.from(rows.flat()), shape: [rows.length, width] };
}

/** Return some rows of a matrix, from one to before another. */
export function part({ data, shape: [, width] }, from, to) {
  return { data: data.subarray(from * width, to * width), shape: [to - from, width] };
}

/** A net of a fixed shape with 64-bit numbers; settings are those of headwater.mjs's Network. */
export class Net {
  constructor(hw, settings) {
    this.net = new hw.Network({ dtype: "float64", ...settings });
  }

  free() {
    this.net.free();
  }

  /** Weights [input][unit] and biases of each layer. */
  get layers() {
    return this.net.layers.map(plain);
  }

  /** Set weights and biases of the layers from the first on; a bias that is left out stays. */
  set(...layers) {
    const all = this.net.layers;
    layers.forEach(({ weights, bias }, i) => {
      all[i].weights.data.set(weights.flat());
      if (bias) all[i].bias.set(bias);
    });
    this.net.setLayers(all);
    return this;
  }

  // ---- the four steps ---------------------------------------------------------------------------------------------

  /** Step 1: predictions, one number after the other. */
  forward(X) {
    return this.net.forward(matrix(X)).data;
  }

  /** Step 2: the mean loss, with the penalty. */
  loss(X, y) {
    return this.net.loss(matrix(X), matrix(y));
  }

  /** Step 3: backpropagation; the gradient as one list. */
  gradients(X, y) {
    return this.net.gradients(matrix(X), matrix(y));
  }

  /** The same by layer, as in `layers`. */
  layerGradients(X, y) {
    return this.net.layerGradients(matrix(X), matrix(y)).map(plain);
  }

  /** Step 4: one step of the rule along a gradient. */
  update(gradient) {
    this.net.update(gradient);
  }

  /** Passes over all rows, with a step for each so many of them (all: one step a pass), in the order given. */
  fit(X, y, epochs = 1, size = Infinity) {
    const [x, answers] = [matrix(X), matrix(y)];
    const n = x.shape[0];
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let from = 0; from < n; from += size) {
        const to = Math.min(n, from + size);
        this.net.learnBatch(part(x, from, to), part(answers, from, to));
      }
    }
  }

  /** Online: predict each row, then learn it; returns the predictions made before. */
  learn(X, y) {
    return this.net.learnMany(matrix(X), matrix(y));
  }
}

function plain({ weights: { data, shape }, bias }) {
  const [n, m] = shape.length > 1 ? shape : [1, shape[0]];
  const weights = Array.from({ length: n }, (_, i) => Array.from(data.subarray(i * m, (i + 1) * m)));
  return { weights, bias: Array.from(bias ?? []) };
}
