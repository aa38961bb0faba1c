// Written by tools/build/written/javascript.py from the declarations in src/headwater. After a change there:
//   python -m tools.build.written.javascript

/** Classes of layers. */
export const LAYERS = ["Dense", "Embedding", "Activation", "Dropout", "LayerNorm", "BatchNorm", "Conv", "Pool", "Flatten", "Recurrent"];

/** The core's numbers for them, for an image as what is read, and for what a convolution or a pool sees at once. */
export const LAYER_KINDS = {
  Dense: 0,
  Embedding: 1,
  Activation: 2,
  Dropout: 3,
  LayerNorm: 4,
  BatchNorm: 5,
  Conv: 9,
  Pool: 10,
  Flatten: 11,
  Recurrent: 12,
  Image: 7,
  Kernel: 8,
};

/** The version of declarations that parts have tags in. */
export const VERSION = 5;

/** Tags of parts. */
export const TAGS = {
  lean: 8,
  text: 2,
};

/** Classes of update rules. */
export const OPTIMIZERS = ["SGD", "Momentum", "Nesterov", "AdaGrad", "RMSProp", "Adadelta", "Adam", "AdamW", "AMSGrad", "NAdam", "FTRL", "COCOB"];

/** Classes of schedules. */
export const SCHEDULES = ["Constant", "InverseScaling", "Cosine", "Step", "WarmUp"];

/** Fields without a default, of each class. */
export const NEEDED = {
  Dense: ["units"],
  Embedding: ["rows", "units"],
  Activation: ["name"],
  Dropout: [],
  LayerNorm: [],
  BatchNorm: [],
  Conv: ["channels", "kernel"],
  Pool: [],
  Flatten: [],
  Recurrent: ["units"],
  SGD: [],
  Momentum: [],
  Nesterov: [],
  AdaGrad: [],
  RMSProp: [],
  Adadelta: [],
  Adam: [],
  AdamW: [],
  AMSGrad: [],
  NAdam: [],
  FTRL: [],
  COCOB: [],
  Constant: ["lr"],
  InverseScaling: ["lr"],
  Cosine: ["lr", "steps"],
  Step: ["lr", "every"],
  WarmUp: ["lr", "steps"],
  Initializer: ["kind"],
  Loss: ["name"],
  Expert: [],
};

/** The others, with their defaults. */
export const DEFAULTS = {
  Dense: {"activation": "identity", "bias": true, "initializer": null},
  Embedding: {"initializer": "lecun"},
  Activation: {"a": null},
  Dropout: {"rate": 0.5},
  LayerNorm: {"affine": true, "eps": 1e-05},
  BatchNorm: {"momentum": 0.1},
  Conv: {"activation": "identity", "stride": 1, "padding": 0, "bias": true, "initializer": null},
  Pool: {"size": 2, "stride": null, "padding": 0, "kind": "max"},
  Flatten: {},
  Recurrent: {"direct": 0, "r_min": 0.0, "r_max": 1.0, "max_angle": 6.28, "initializer": "lecun"},
  SGD: {"lr": 0.01},
  Momentum: {"lr": 0.01, "momentum": 0.9},
  Nesterov: {"lr": 0.01, "momentum": 0.9},
  AdaGrad: {"lr": 0.01, "eps": 1e-10},
  RMSProp: {"lr": 0.001, "rho": 0.9, "eps": 1e-08},
  Adadelta: {"lr": 1.0, "rho": 0.95, "eps": 1e-06},
  Adam: {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-08},
  AdamW: {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-08, "weight_decay": 0.01},
  AMSGrad: {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-08},
  NAdam: {"lr": 0.002, "beta1": 0.9, "beta2": 0.999, "eps": 1e-08, "momentum_decay": 0.004},
  FTRL: {"lr": 0.1, "beta": 1.0, "l1": 0.0, "l2": 0.0},
  COCOB: {"lr": 1.0, "alpha": 100.0},
  Constant: {},
  InverseScaling: {"power": 0.5},
  Cosine: {"floor": 0.0},
  Step: {"factor": 0.1},
  WarmUp: {},
  Initializer: {"scale": 0.05},
  Loss: {"a": null},
  Expert: {"layers": [], "loss": "mse", "optimizer": "sgd", "l1": 0.0, "l2": 0.0, "clip_norm": 0.0, "clip_value": 0.0, "replays": 0, "first_replays": 0, "cells": false, "log_link": false},
};

/** Each activation's own constant, and the initializer of a layer in front of it. */
export const ACTIVATIONS = {
  identity: [0.0, "glorot"],
  relu: [0.0, "he"],
  leaky_relu: [0.01, "he"],
  sigmoid: [0.0, "glorot"],
  tanh: [0.0, "glorot"],
  elu: [1.0, "he"],
  selu: [0.0, "lecun"],
  gelu: [0.0, "he"],
  silu: [0.0, "he"],
  softplus: [0.0, "he"],
  hard_tanh: [0.0, "glorot"],
};

/** Each loss's own constant. */
export const LOSSES = {
  mse: 1,
  mae: 0,
  huber: 1,
  binary_cross_entropy: 0,
  cross_entropy: 0,
  hinge: 0,
  poisson: 0,
  quantile: 0.5,
};

/** Names of initializers. */
export const INITIALIZERS = ["zeros", "uniform", "glorot", "he", "lecun", "orthogonal", "sparse"];

/** Shares of the past that are kept: at 1 nothing new would ever count. */
export const SHARES = ["beta1", "beta2", "momentum", "rho"];

/** The settings of a learner with their defaults; each kind has its own loss. */
export const SETTINGS = {
  hidden: null,
  activation: null,
  optimizer: null,
  lr: null,
  loss: null,
  l1: 0,
  l2: 0,
  dropout: 0,
  norm: null,
  clip_norm: 0,
  clip_value: 0,
  scale: true,
  max_rows: 200000,
  layers: null,
  experts: null,
  effort: "default",
  label_history: false,
  text: "auto",
  memory: 0,
  by: null,
  time: null,
  memory_keys: 10000,
  diagnosis: true,
  seed: 0,
  dtype: "float32",
};

/** The update rule of a single net. */
export const SINGLE_RULE = {
  name: "rmsprop",
  lr: 0.003,
  rho: 0.999,
};

/** Experts of the default pool by effort, without their output layers. */
export const POOLS = {
  fast: [
    {"layers": [{"name": "Dense", "units": 32, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "sgd", "lr": 0.03}},
    {"layers": [{"name": "Dense", "units": 32, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "sgd", "lr": 0.1}},
    {"optimizer": {"name": "adagrad", "lr": 0.1}},
  ],
  default: [
    {"layers": [{"name": "Dense", "units": 32, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "sgd", "lr": 0.03}},
    {"layers": [{"name": "Dense", "units": 32, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "sgd", "lr": 0.1}},
    {"layers": [{"name": "Dense", "units": 32, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "rmsprop", "lr": 0.01, "rho": 0.999}},
    {"optimizer": {"name": "adagrad", "lr": 0.1}},
    {"layers": [{"name": "Dense", "units": 32, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "adagrad", "lr": 0.1}, "replays": 2, "first_replays": 32},
    {"layers": [{"name": "Dense", "units": 32, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "rmsprop", "lr": 0.003, "rho": 0.999}, "replays": 2, "first_replays": 32},
    {"optimizer": {"name": "adagrad", "lr": 0.02}},
    {"optimizer": {"name": "adagrad", "lr": 0.1}, "cells": true},
  ],
  accurate: [
    {"layers": [{"name": "Dense", "units": 64, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "sgd", "lr": 0.03}},
    {"layers": [{"name": "Dense", "units": 64, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "sgd", "lr": 0.1}},
    {"layers": [{"name": "Dense", "units": 64, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "rmsprop", "lr": 0.01, "rho": 0.999}},
    {"optimizer": {"name": "adagrad", "lr": 0.1}},
    {"layers": [{"name": "Dense", "units": 64, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "adagrad", "lr": 0.1}, "replays": 8, "first_replays": 32},
    {"layers": [{"name": "Dense", "units": 64, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "rmsprop", "lr": 0.003, "rho": 0.999}, "replays": 8, "first_replays": 32},
    {"optimizer": {"name": "adagrad", "lr": 0.02}},
    {"optimizer": {"name": "adagrad", "lr": 0.1}, "cells": true},
    {"layers": [{"name": "Dense", "units": 64, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "rmsprop", "lr": 0.0005, "rho": 0.9999}, "replays": 4},
  ],
};

/** And those that join them where answers are numbers with a mean. */
export const LOG_LINKS = {
  fast: [],
  default: [
    {"layers": [{"name": "Dense", "units": 32, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "rmsprop", "lr": 0.003, "rho": 0.999}, "replays": 2, "first_replays": 32, "log_link": true},
  ],
  accurate: [
    {"layers": [{"name": "Dense", "units": 64, "initializer": "lecun"}, {"name": "LayerNorm", "affine": false}, "relu"], "optimizer": {"name": "rmsprop", "lr": 0.003, "rho": 0.999}, "replays": 8, "first_replays": 32, "log_link": true},
  ],
};

/** Knots of the curve of each numeric column. */
export const KNOTS = 16;

/** Cell tables and the tests of each by effort, for the experts that have them. */
export const CELLS = {
  fast: [64, 8],
  default: [64, 8],
  accurate: [256, 10],
};

/** Lean learning of a default pool: smallest gradient of a step, smallest weight of replays, factor of steps apart. */
export const LEAN = {
  classes: [0.01, 0.25],
  numbers: [0.001, 0.25, 5.0],
};

/** What to do with a file of each kind that this module does not hold. */
export const ELSEWHERE = {
  Anomaly: "Open it with openKind of kinds.mjs.",
  Forecaster: "Open it with openKind of kinds.mjs.",
  Bandit: "Open it with openKind of kinds.mjs.",
  Router: "Serve it: a page that anybody may copy can't keep one budget.",
  Agent: "Open it with openKind of kinds.mjs.",
  MultiOutput: "Open it with openKind of kinds.mjs.",
  PrivateClassifier: "Serve it: its page would learn without the secret noise.",
  PrivateRegressor: "Serve it: its page would learn without the secret noise.",
  Fleet: "Export one member: fleet[key].save(path), then headwater export.",
};

/** How many of the last samples are kept for replay. */
export const RING = 1000;
