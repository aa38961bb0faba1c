// What a playground may be made of, for the page and for its worker: names, bounds, defaults.

export const BOX = 3; // both inputs are shown from −BOX to BOX
export const FEATURES = { x1: "x₁", x2: "x₂", "x1^2/3": "x₁²/3", "x2^2/3": "x₂²/3", "x1*x2/3": "x₁x₂/3", "sin x1": "sin x₁", "sin x2": "sin x₂" };
export const DATA = ["moons", "circles", "xor", "spiral", "gaussians", "plane", "hills"];
export const DRIFTS = ["none", "abrupt", "gradual", "recurring"];
export const ACTIVATIONS = ["identity", "relu", "leaky_relu", "sigmoid", "tanh", "elu", "selu", "gelu", "silu", "softplus", "hard_tanh"];

/** A learning rate that suits a net of a dozen units, by rule; larger than what suits the nets of the papers. */
export const RATES = {
  sgd: 0.03, momentum: 0.003, nesterov: 0.003, adagrad: 0.1, rmsprop: 0.01, adadelta: 1, adam: 0.01, adamw: 0.01, amsgrad: 0.01, nadam: 0.01, ftrl: 0.1, cocob: 1,
};
export const POINTS = [0, 12, 50, 200, 500]; // of a training set; 0: a stream that never ends
export const BATCHES = [1, 4, 10, 50, 0]; // samples in a step; 0: the whole training set
export const SPEEDS = [5, 20, 100, 500, 2000, 10000]; // samples a second
export const DEPTH = 6;
export const UNITS = 8;

export const DEFAULTS = {
  data: "circles", points: 0, noise: 0.15, drift: "none", every: 1000, features: ["x1", "x2"], hidden: [4, 3], activation: "tanh",
  batch: 1, optimizer: "sgd", lr: 0.03, l1: 0, l2: 0, dropout: 0, seed: 1, speed: 100, lesson: "", columns: null,
};

const within = (low, high) => (value) => typeof value === "number" && value >= low && value <= high;
const whole = (low, high) => (value) => Number.isInteger(value) && value >= low && value <= high;
const among = (names) => (value) => names.includes(value);

const GOOD = {
  data: among([...DATA, "csv"]), points: among(POINTS), noise: within(0, 1), drift: among(DRIFTS), every: whole(50, 100_000),
  features: (list) => list.length > 0 && new Set(list).size === list.length && list.every((name) => Object.hasOwn(FEATURES, name)),
  hidden: (list) => list.length <= DEPTH && list.every(whole(1, UNITS)), activation: among(ACTIVATIONS), batch: among(BATCHES),
  optimizer: among(Object.keys(RATES)), lr: within(1e-6, 10), l1: within(0, 1), l2: within(0, 1), dropout: within(0, 0.9), seed: whole(0, 2 ** 31),
  speed: within(1, 10_000), lesson: (name) => [...name].every((c) => c >= "a" && c <= "z"), columns: () => true,
};

/** The names of the settings that cannot be. */
export const refused = (settings) => Object.keys(GOOD).filter((name) => !GOOD[name](settings[name]));
