// What a net is declared from: layers, losses, update rules, schedules, initializers, experts, checked; and the list of numbers
// that declares them to the core (headwater.h). Their fields, defaults and constants are those of Python (declared.mjs).
//
// A declared thing is an object {class, …fields}. It is given as {name, …fields}: {name: "adam", lr: 0.01},
// {name: "dense", units: 32, activation: "relu"}, {name: "relu"}; or as a name alone where the defaults will do.

import { ACTIVATIONS, DEFAULTS, INITIALIZERS, LAYER_KINDS, LAYERS, LOSSES, NEEDED, OPTIMIZERS, SCHEDULES, SHARES, TAGS, VERSION } from "./declared.mjs";
import { ConfigError, DataError, shown } from "../errors.mjs";
import { checkNumber } from "./number.mjs";

const NONE = undefined; // the default of a field that must be given
/** The fields of each class, in Python's order, with their defaults. */
export const FIELDS = Object.fromEntries(
  Object.keys(DEFAULTS).map((name) => [name, { ...Object.fromEntries(NEEDED[name].map((field) => [field, NONE])), ...DEFAULTS[name] }]),
);

// ---- names ------------------------------------------------------------------------------------------------------------

/** Return a setting's name as Python writes it: clipNorm is clip_norm. */
export function snake(name) {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
}

/** Return the name of a class as it is given: {name: "layer_norm"}, {name: "adagrad"}. */
function spoken(name) {
  return OPTIMIZERS.includes(name) ? name.toLowerCase() : snake(name);
}

const flat = (name) => name.toLowerCase().replaceAll("_", "");
const NAMED = new Map(Object.keys(FIELDS).map((name) => [flat(name), name]));

function classOf(name, among) {
  const found = typeof name === "string" ? NAMED.get(flat(name)) : undefined;
  return among.includes(found) ? found : undefined;
}

function oneOf(names) {
  return `one of ${names.join(", ")}`;
}

// ---- making -----------------------------------------------------------------------------------------------------------

/** Make a declared thing of a class from its fields, given under Python's names or JavaScript's. */
export function made(name, given) {
  const fields = FIELDS[name];
  const own = { class: name };
  for (const [field, value] of Object.entries(given)) {
    if (Object.hasOwn(fields, snake(field))) own[snake(field)] = value;
    else if (value !== undefined) {
      const help = "Leave it out, or write it so.";
      throw new ConfigError({ expected: oneOf(Object.keys(fields)), got: shown(field), at: spoken(name), help });
    }
  }
  const out = { class: name };
  for (const [field, usual] of Object.entries(fields)) {
    out[field] = own[field] === undefined ? usual : own[field];
    if (out[field] === undefined) {
      throw new ConfigError({ expected: `${field} of ${spoken(name)}`, got: "none", at: spoken(name), help: "Give it." });
    }
  }
  CHECKS[name]?.(out);
  return Object.freeze(out);
}

function object(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** Return {class, …fields} of what was given by name, or is made already. */
function asOne(given, among, refuse) {
  if (object(given) && Object.hasOwn(given, "class") && among.includes(given.class)) return given;
  const { name, ...fields } = object(given) ? given : { name: given };
  const found = classOf(name, among);
  return found ? made(found, fields) : refuse(name);
}

/** Return an update rule that was given by itself or by name. */
export function asOptimizer(given) {
  return asOne(given, OPTIMIZERS, () => {
    const expected = oneOf(OPTIMIZERS.map((name) => name.toLowerCase()));
    throw new ConfigError({ expected, got: shown(given), at: "optimizer", help: "Give e.g. {name: 'adam', lr: 0.001}." });
  });
}

/** Return a layer; the name of an activation is that activation. */
export function asLayer(given) {
  return asOne(given, LAYERS, (name) => {
    if (typeof name === "string" && Object.hasOwn(ACTIVATIONS, name)) {
      return made("Activation", { ...(object(given) ? given : {}), name });
    }
    const expected = oneOf([...LAYERS.map(snake), "an activation"]);
    throw new ConfigError({ expected, got: shown(given), at: "layers", help: "Give e.g. {name: 'dense', units: 64}." });
  });
}

/** Return a loss; a text is its name. */
export function asLoss(given) {
  if (object(given) && given.class === "Loss") return given;
  return made("Loss", object(given) ? given : { name: given });
}

export function asExpert(given) {
  if (object(given) && given.class === "Expert") return given;
  if (object(given)) return made("Expert", given);
  const help = "Give e.g. {layers: [{name: 'dense', units: 32}], optimizer: {name: 'sgd', lr: 0.1}}.";
  throw new ConfigError({ expected: "experts as objects", got: shown(given), at: "experts", help });
}

/** Return a step size as a schedule: a number stands for a constant one. */
export function asSchedule(lr, at) {
  if (typeof lr === "number" && lr > 0) return { class: "Constant", lr };
  return asOne(lr, SCHEDULES, () => {
    const help = "Give e.g. lr: 0.01 or lr: {name: 'cosine', lr: 0.01, steps: 1000}.";
    throw new ConfigError({ expected: "a step size above 0 or a schedule", got: shown(lr), at, help });
  });
}

function asInitializer(given) {
  if (object(given) && given.class === "Initializer") return given;
  if (!object(given)) return made("Initializer", { kind: given });
  const { name, ...fields } = given;
  return made("Initializer", name === undefined ? fields : { kind: name, ...fields });
}

/** Make the initializer of a layer, where it has numbers of its own. */
function makeStart(layer) {
  const start = startOf(layer);
  if (object(layer.initializer)) layer.initializer = start;
}

/** Return where the weights of a layer start. */
export function startOf(layer) {
  return asInitializer(layer.initializer ?? ACTIVATIONS[layer.activation][1]);
}

// ---- checking ---------------------------------------------------------------------------------------------------------

/** Refuse what is not a whole number above 0. */
export function checkWhole(n, at) {
  if (Number.isInteger(n) && n > 0) return;
  throw new ConfigError({ expected: "a whole number above 0", got: shown(n), at, help: "Give e.g. 32." });
}

function checkName(name, names, at) {
  if (names.includes(name)) return;
  const help =
    at === "activation" && name === "softmax"
      ? "Softmax is the link of the loss 'cross_entropy'."
      : "Choose one of these names.";
  throw new ConfigError({ expected: oneOf(names), got: shown(name), at, help });
}

function checkFlag(value, at) {
  if (typeof value === "boolean") return;
  throw new ConfigError({ expected: "true or false", got: shown(value), at, help: "Choose one of the two." });
}

function checkRule(rule) {
  const name = rule.class.toLowerCase();
  const schedule = asSchedule(rule.lr, `lr of ${name}`);
  if (typeof rule.lr !== "number") rule.lr = schedule;
  for (const [field, value] of Object.entries(rule)) {
    if (field === "lr" || field === "class") continue;
    const share = SHARES.includes(field);
    if (typeof value === "number" && value >= 0 && value < (share ? 1 : Infinity)) continue;
    const expected = share ? "a share of at least 0 and below 1" : "a number of 0 or more";
    const help = `Leave it out for the usual one, ${FIELDS[rule.class][field]}.`;
    throw new ConfigError({ expected, got: shown(value), at: `${field} of ${name}`, help });
  }
}

function checkSchedule(schedule) {
  for (const [field, value] of Object.entries(schedule)) {
    if (field !== "class") checkNumber(value, `${field} of ${snake(schedule.class)}`, 0);
  }
  asSchedule(schedule.lr, `lr of ${snake(schedule.class)}`);
}

const CHECKS = {
  Dense(layer) {
    checkWhole(layer.units, "units of dense");
    checkName(layer.activation, Object.keys(ACTIVATIONS), "activation");
    checkFlag(layer.bias, "bias of dense");
    makeStart(layer);
  },
  Embedding(layer) {
    checkWhole(layer.rows, "rows of embedding");
    checkWhole(layer.units, "units of embedding");
    makeStart(layer);
  },
  Activation(layer) {
    checkName(layer.name, Object.keys(ACTIVATIONS), "activation");
    if (layer.a !== null) checkNumber(layer.a, `a of ${layer.name}`);
  },
  Dropout({ rate }) {
    if (typeof rate === "number" && rate >= 0 && rate < 1) return;
    const expected = "a rate from 0 up to but not 1";
    throw new ConfigError({ expected, got: shown(rate), at: "dropout", help: "Give e.g. 0.1." });
  },
  LayerNorm(layer) {
    checkFlag(layer.affine, "affine of layer_norm");
    checkNumber(layer.eps, "eps of layer_norm");
  },
  BatchNorm: (layer) => checkNumber(layer.momentum, "momentum of batch_norm"),
  Conv(layer) {
    for (const field of ["channels", "kernel", "stride"]) checkWhole(layer[field], `${field} of conv`);
    checkNumber(layer.padding, "padding of conv", 0);
    checkName(layer.activation, Object.keys(ACTIVATIONS), "activation");
    checkFlag(layer.bias, "bias of conv");
    makeStart(layer);
  },
  Pool(layer) {
    checkWhole(layer.size, "size of pool");
    if (layer.stride !== null) checkWhole(layer.stride, "stride of pool");
    checkNumber(layer.padding, "padding of pool", 0);
    checkName(layer.kind, ["max", "mean"], "kind of pool");
  },
  Initializer(initializer) {
    checkName(initializer.kind, INITIALIZERS, "initializer");
    checkNumber(initializer.scale, "scale of an initializer");
  },
  Loss({ name, a }) {
    checkName(name, Object.keys(LOSSES), "loss");
    const high = name === "quantile" ? 1 : Infinity;
    if (a === null || (typeof a === "number" && a > 0 && a < high)) return;
    const help = "Give such a number.";
    throw new ConfigError({ expected: `a number between 0 and ${high}`, got: shown(a), at: `loss ${name}`, help });
  },
  Expert(expert) {
    if (!Array.isArray(expert.layers)) {
      const help = "Give e.g. [{name: 'dense', units: 32}].";
      throw new ConfigError({ expected: "layers in a list", got: shown(expert.layers), at: "layers", help });
    }
    expert.layers = expert.layers.map(asLayer);
    expert.loss = asLoss(expert.loss);
    expert.optimizer = asOptimizer(expert.optimizer);
    for (const name of ["l1", "l2", "clip_norm", "clip_value", "replays", "first_replays"]) checkNumber(expert[name], name, 0);
    for (const name of ["cells", "log_link"]) {
      if (typeof expert[name] === "boolean") continue;
      const help = "Choose one of the two.";
      throw new ConfigError({ expected: "true or false", got: shown(expert[name]), at: name, help });
    }
    expert.layers.forEach((layer, i) => {
      if (i > 0 && layer.class !== "Embedding") return;
      if (i === 0 && (layer.class === "Dense" || layer.class === "Embedding" || readsImage(expert))) return;
      const expected = i ? "embedding as first layer only" : "dense, embedding or conv as first layer";
      const help = i ? "Move it to the front." : "Put {name: 'dense', units} first.";
      throw new ConfigError({ expected, got: i ? "one further down" : snake(layer.class), at: "layers", help });
    });
  },
};
for (const name of OPTIMIZERS) CHECKS[name] = checkRule;
for (const name of SCHEDULES) CHECKS[name] = checkSchedule;

// ---- the list of numbers ----------------------------------------------------------------------------------------------

const hasUnits = (layer) => layer.class === "Dense" || layer.class === "Embedding";

/** Whether an expert reads an image: only a Network can have one, with inputs: [channels, height, width]. */
export const readsImage = ({ layers: [first] }) => ["Conv", "Pool", "Flatten"].includes(first?.class);

/** Return the width of the last layer that has units. */
export function outputsOf(expert) {
  return expert.layers.findLast(hasUnits).units;
}

/** Return a setup with what an engine asks of it: the loss's name, and the numbers that declare it, which those of a state must be. */
export function withNumbers(setup) {
  const own = { ...setup, loss: setup.experts[0].loss.name };
  own.numbers = (core, state) => {
    if (own.dtype === "float64" && !core.calls.js_has_double()) throw noDouble();
    const numbers = declared(core, own, state);
    if (state !== null) checkDeclaration(state, numbers);
    return numbers;
  };
  return own;
}

const LISTS = { activations: "hw_activations", losses: "hw_losses", rules: "hw_rules", schedules: "hw_schedules", initializers: "hw_initializers" };

/** The names of each list that a declaration says by number, as the core has them. */
function listsOf(core) {
  return Object.fromEntries(Object.entries(LISTS).map(([name, call]) => [name, core.listed(call)]));
}

/** What to declare to the core; a state of an older version goes on as it was declared. */
function declared(core, setup, state) {
  const version = state === null ? VERSION : state[0].data[0];
  return declaration(listsOf(core), setup.experts, { ...setup, lean: leanOf(version, setup), version });
}

/** The numbers of lean learning that a version of the core knew: 2 none, 3 two, later ones all. */
export function leanOf(version, { lean = [] }) {
  return version < 3 ? [] : lean.slice(0, version - 1);
}

function noDouble() {
  const help = "Load the core that has both: load(new URL('headwater64.wasm', import.meta.url)).";
  return new ConfigError({ expected: "'float32', as headwater.wasm has it", got: "'float64'", at: "dtype", help });
}

function checkDeclaration([{ data }], numbers) {
  if (data.length === numbers.length && numbers.every((x, i) => Object.is(x, data[i]) || x === data[i])) return;
  throw new DataError({ expected: "the declaration that the settings state", got: "another one", at: "declaration" });
}

/** Return the list of numbers that declares experts over one input table to the core. */
function declaration(names, experts, setup) {
  const { dtype, seed, outputs, inputs = null, max_rows } = setup;
  const { scale, targets, knots, ring, intervals, history, cells = [0, 0], lean = [], text = [] } = setup;
  const whole = BigInt(seed);
  const image = Array.isArray(inputs) ? inputs : null;
  const count = image ? image.reduce((product, n) => product * n) : (inputs ?? 0);
  const head = [setup.version, dtype === "float64", inputs === null, count, scale, targets, knots, ring, intervals, history];
  head.push(whole & 0xffffffffn, (whole >> 32n) & 0xffffffffn, max_rows, outputs);
  head.push(experts[0].layers[0].class === "Embedding", ...cells, experts.length);
  const numbers = experts.flatMap((expert) => {
    const last = expert.layers.findLastIndex(hasUnits);
    const layers = expert.layers.flatMap((layer, i) => rows(names, i === last ? { ...layer, units: outputs } : layer, i));
    if (image) layers.unshift([LAYER_KINDS.Image, 0, image[0], image[1], 0, 0, image[2], 0]);
    return [...learning(names, expert), layers.length, ...layers.flat()];
  });
  const block = (tag, own) => (setup.version < VERSION || !own.length ? own : [tag, own.length, ...own]);
  return Float64Array.from([...head, ...numbers, ...block(TAGS.lean, lean), ...block(TAGS.text, text)], Number);
}

/** Return loss, rule, schedule, penalties, replays of an expert, and whether it has cells. */
function learning(names, { loss, optimizer, l1, l2, clip_norm, clip_value, replays, first_replays, cells }) {
  const { class: name, lr, ...own } = optimizer;
  const schedule = asSchedule(lr, "lr");
  const { class: kind, lr: step, ...more } = schedule;
  return [
    names.losses.indexOf(loss.name),
    loss.a ?? LOSSES[loss.name],
    names.rules.indexOf(name.toLowerCase()),
    ...[...Object.values(own), 0, 0, 0, 0].slice(0, 4),
    names.schedules.indexOf(snake(kind)),
    step,
    ...[...Object.values(more), 0, 0].slice(0, 2),
    ...[l1, l2, clip_norm, clip_value, replays, first_replays, cells],
  ];
}

/** Return the rows of a declared layer: a dense one with an activation has two. */
function rows(names, layer, index) {
  const kind = LAYER_KINDS[layer.class];
  const activation = (name, a) => [LAYER_KINDS.Activation, names.activations.indexOf(name), 0, a ?? ACTIVATIONS[name][0], 0, 0, 0, index];
  switch (layer.class) {
    case "Activation":
      return [activation(layer.name, layer.a)];
    case "Dropout":
      return [[kind, 0, 0, layer.rate, 0, 0, 0, index]];
    case "LayerNorm":
      return [[kind, 0, 0, layer.eps, layer.affine, 0, 0, index]];
    case "BatchNorm":
      return [[kind, 0, 0, layer.momentum, 1, 0, 0, index]];
    case "Flatten":
      return [[kind, 0, 0, 0, 0, 0, 0, index]];
    case "Pool": {
      const seen = [LAYER_KINDS.Kernel, 0, layer.size, layer.stride ?? layer.size, 0, 0, layer.padding, index];
      return [seen, [kind, layer.kind === "mean", 0, 0, 0, 0, 0, index]];
    }
    case "Conv": {
      const start = startOf(layer);
      const seen = [LAYER_KINDS.Kernel, 0, layer.kernel, layer.stride, 0, 0, layer.padding, index];
      const own = [kind, 0, layer.channels, 0, layer.bias, names.initializers.indexOf(start.kind), start.scale, index];
      return layer.activation === "identity" ? [seen, own] : [seen, own, activation(layer.activation, null)];
    }
    default: {
      const start = startOf(layer);
      const own = [kind, 0, layer.units, 0, layer.class === "Dense" && layer.bias, names.initializers.indexOf(start.kind), start.scale, index];
      const plain = layer.class === "Embedding" || layer.activation === "identity";
      return plain ? [own] : [own, activation(layer.activation, null)];
    }
  }
}
