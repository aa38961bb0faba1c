// A second look at a net: the outputs of each hidden layer. Each layer is a small net of its own in the core, which is given the numbers
// of the layer that it stands for; so what is shown is what the core computes.

const SLOPE = 0.05; // of the largest: below it hardly any gradient passes
const FLAT = {
  tanh: (a) => 1 - a * a < SLOPE,
  sigmoid: (a) => a * (1 - a) < SLOPE / 4,
  hard_tanh: (a) => Math.abs(a) >= 1,
};

export class Inspector {
  #layers;

  constructor(hw, { activation, hidden, features }) {
    this.isFlat = FLAT[activation] ?? null;
    this.#layers = hidden.map((units, l) => new hw.Network({ layers: [{ name: "dense", units, activation }], inputs: hidden[l - 1] ?? features.length }));
  }

  /** The outputs of each hidden layer for some inputs, of a net with those layers: [{data, shape}]. */
  outputs(layers, inputs) {
    const values = [];
    this.#layers.forEach((layer, l) => {
      layer.setLayers([layers[l]]);
      values.push(layer.forward(values[l - 1] ?? inputs));
    });
    return values;
  }

  /** The share of these outputs at which the activation is nearly flat; null where it never is on both sides. */
  saturated(values) {
    if (!this.isFlat || !values.length) return null;
    let flat = 0, count = 0;
    for (const { data } of values) for (const a of data) { flat += this.isFlat(a); count += 1; }
    return flat / count;
  }

  free() {
    for (const layer of this.#layers) layer.free();
  }
}

/** The sums z = b + Wᵀa of one sample. */
export function sums({ weights: { data, shape: [n, m] }, bias }, a) {
  return Array.from(bias, (b, j) => { let z = b; for (let i = 0; i < n; i++) z += data[i * m + j] * a[i]; return z; });
}

/** The columns of one unit's numbers out of those of all: what a step shows. */
export function plain({ weights: { data, shape: [n, m] }, bias }) {
  return { w: Array.from({ length: n }, (_, i) => Array.from(data.subarray(i * m, (i + 1) * m))), b: Array.from(bias) };
}
