// From a learner's settings to the experts that it is made of: Python's setup.py and auto.py.

import { CELLS, KNOTS, LEAN, LOG_LINKS, POOLS, RING, SETTINGS, SINGLE_RULE } from "./declared.mjs";
import { asExpert, asLayer, asLoss, asOptimizer, asSchedule, made, snake, startOf, withNumbers } from "./declare.mjs";
import { ConfigError, shown } from "../errors.mjs";

/** Any of these settings makes a learner a single net. */
const SINGLE = ["hidden", "activation", "optimizer", "lr", "layers", "norm", "dropout"];

const GRAMS = { words: 1, bigrams: 2 }; // words in a row that have a row of their own
const [FIND_NONE, FIND_LONG, FIND_ALL] = [0, 1, 2]; // which columns the core finds to be text

export const [UNKNOWN, PLAIN, SCALED, PEARSON] = [0, 1, 2, 3]; // how wide answers spread
const OF_CLASSES = ["cross_entropy", "binary_cross_entropy", "hinge"];
const STANDARDISED = ["mse", "mae", "huber", "quantile"]; // losses for answers of any size

/** Return the settings of a learner and its setup, of what was given. */
export function learnerOf(name, given) {
  const classifies = name === "Classifier";
  const settings = settingsOf(given, { ...SETTINGS, loss: classifies ? "cross_entropy" : "huber" }, name);
  const targets = !classifies && STANDARDISED.includes(asLoss(settings.loss).name);
  const losses = classifies ? OF_CLASSES : [...STANDARDISED, "poisson"];
  const intervals = classifies ? UNKNOWN : targets ? SCALED : PEARSON;
  return { setup: setupOf(settings, name, losses, { targets, intervals }), settings: withMade(settings) };
}

/** Return all settings by Python's names, of what was given under these or under JavaScript's (maxRows). */
export function settingsOf(given, defaults, at) {
  if (given === null || typeof given !== "object" || Array.isArray(given)) {
    const help = "Give e.g. {hidden: [64, 32]}.";
    throw new ConfigError({ expected: "settings as an object", got: shown(given), at, help });
  }
  const settings = { ...defaults };
  for (const [name, value] of Object.entries(given)) {
    if (name === "text" && value === null) settings.text = null; // it says something else than the default
    else if (Object.hasOwn(defaults, snake(name))) settings[snake(name)] = value ?? defaults[snake(name)];
    else if (value !== undefined) {
      const known = Object.keys(defaults).map(camel).join(", ");
      throw new ConfigError({ expected: `one of ${known}`, got: shown(name), at, help: "Leave it out, or write it so." });
    }
  }
  return settings;
}

/** Return the settings with what was declared in them made. */
function withMade(settings) {
  const { optimizer, loss, layers, experts, hidden } = settings;
  return {
    ...settings,
    hidden: Array.isArray(hidden) ? [...hidden] : hidden,
    optimizer: optimizer === null || typeof optimizer === "string" ? optimizer : asOptimizer(optimizer),
    loss: typeof loss === "string" ? loss : asLoss(loss),
    layers: layers && layers.map(asLayer),
    experts: experts && experts.map(asExpert),
  };
}

function camel(name) {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

const whole = (value, least) =>
  typeof value === "bigint" ? value >= BigInt(least) : Number.isInteger(value) && value >= least;

/** Refuse a setting of the wrong kind. */
export function checkSettings(settings, at) {
  const kinds = {
    hidden: [
      "a whole number, or several in a list",
      "Give e.g. 64 or [64, 32].",
      (value) => value === null || Array.isArray(value) || whole(value, 1),
    ],
    layers: ["layers in a list", "Give e.g. [{name: 'dense', units: 64}].", (value) => value === null || Array.isArray(value)],
    experts: [
      "experts in a list",
      "Give e.g. [{optimizer: {name: 'sgd', lr: 0.1}}].",
      (value) => value === null || Array.isArray(value),
    ],
    norm: ["null, 'layer' or 'batch'", "Choose one of these.", (value) => [null, "layer", "batch"].includes(value)],
    seed: ["a whole number of 0 or more", "Give e.g. 1.", (value) => whole(value, 0)],
    max_rows: ["maxRows of 16 or more", "Give e.g. 200_000.", (value) => whole(value, 16)],
    dtype: ["'float32' or 'float64'", "Choose one of the two.", (value) => value === "float32" || value === "float64"],
  };
  for (const name of ["scale", "label_history", "diagnosis"]) {
    kinds[name] = ["true or false", "Choose one of the two.", (value) => typeof value === "boolean"];
  }
  for (const name of ["l1", "l2", "clip_norm", "clip_value", "dropout"]) {
    kinds[name] = ["a number of 0 or more", "Give 0 for none.", (value) => typeof value === "number" && value >= 0];
  }
  for (const [name, [expected, help, good]] of Object.entries(kinds)) {
    if (!Object.hasOwn(settings, name) || good(settings[name])) continue;
    throw new ConfigError({ expected, got: shown(settings[name]), at: `${camel(name)} of ${at}`, help });
  }
}

/** What declares texts to the core, and the columns of text that are known beforehand: Python's settings/text.py. */
function textOf({ text, max_rows: rows }, at, mixed) {
  const columns = text !== null && typeof text === "object" ? Object.entries(text) : [];
  const known = text === null || typeof text === "object" || text === "auto" || Object.hasOwn(GRAMS, text);
  const help = "Give e.g. {text: 'bigrams'} or {text: {title: 'words'}}.";
  if (!known || columns.some(([, kind]) => !Object.hasOwn(GRAMS, kind))) {
    const expected = "'auto', 'words', 'bigrams', null, or one of the two for each column";
    throw new ConfigError({ expected, got: shown(text), at: `text of ${at}`, help });
  }
  if (!mixed && (columns.length || Object.hasOwn(GRAMS, text))) {
    const expected = "a pool of experts with cross-entropy or standardised answers, which alone reads texts";
    throw new ConfigError({ expected, got: shown(text), at: `text of ${at}`, help: "Leave out text." });
  }
  if (!mixed || text === null) return { text: [], textColumns: [] };
  const find = text === "auto" ? FIND_LONG : typeof text === "object" ? FIND_NONE : FIND_ALL;
  return { text: [GRAMS[text] ?? 2, find, Number(rows)], textColumns: columns };
}

/** A state that is carried from row to row is Python's alone. */
function checkNoState(settings, at) {
  for (const name of ["memory", "by", "time"])
    if (settings[name]) {
      const help = "Leave it out: in Python such a learner keeps a state.";
      throw new ConfigError({ expected: `no ${name}`, got: shown(settings[name]), at: `${name} of ${at}`, help });
    }
}

/** Check a learner's settings and turn them into what its core is made from: experts, switches, sizes. */
function setupOf(settings, at, losses, { targets, intervals }) {
  checkSettings(settings, at);
  checkNoState(settings, at);
  const loss = asLoss(settings.loss);
  if (!losses.includes(loss.name)) {
    const expected = `one of ${losses.join(", ")}`;
    throw new ConfigError({ expected, got: shown(loss.name), at: `loss of ${at}`, help: "Choose one of these names." });
  }
  const { scale, label_history: history } = settings;
  const single = SINGLE.filter((name) => settings[name] !== null && settings[name] !== 0);
  if (single.length && settings.experts !== null) {
    const expected = `experts without ${single.map(camel).join(" and ")}`;
    const help = "Say it in each expert.";
    throw new ConfigError({ expected, got: "both", at: `settings of ${at}`, help });
  }
  const alone = single.length > 0;
  const numbers = targets && !history; // with it experts learn differences, which have no mean
  const ofMeans = numbers && ["huber", "mse"].includes(loss.name);
  const given = alone ? [singleNet(settings)] : (settings.experts ?? pool(settings.effort, ofMeans)).map(asExpert);
  if (!numbers && given.some((expert) => expert.log_link)) {
    const expected = "a regressor that standardises answers, without label history";
    const help = "Leave logLink off: a log link needs answers with a mean.";
    throw new ConfigError({ expected, got: "another learner", at: "logLink of an expert", help });
  }
  const experts = given.map((expert) => withHead(expert, loss, settings));
  if (!experts.length) {
    const help = "Leave experts out for the default pool.";
    throw new ConfigError({ expected: "at least one expert", got: "none", at: "experts", help });
  }
  for (const { layers: [first] } of experts) {
    if (first.class !== "Dense" || startOf(first).kind !== "orthogonal") continue;
    const expected = "an initializer that draws row by row";
    const help = "Use 'he' there; 'orthogonal' needs all rows at once, and here they come one by one.";
    throw new ConfigError({ expected, got: "'orthogonal'", at: "initializer of the first layer", help });
  }
  if (history && !targets && loss.name !== "cross_entropy") {
    const expected = "'cross_entropy', or numbers that are standardised, with labelHistory";
    const help = "Leave labelHistory off, or choose another loss.";
    throw new ConfigError({ expected, got: shown(loss.name), at: `loss of ${at}`, help });
  }
  return withNumbers({
    experts,
    seed: settings.seed,
    dtype: settings.dtype,
    max_rows: Number(settings.max_rows),
    scale,
    targets,
    knots: alone || !scale ? 0 : KNOTS,
    ring: experts.some((expert) => expert.replays || expert.first_replays) ? RING : 0,
    cells: experts.some(({ cells }) => cells) ? CELLS[settings.experts === null ? settings.effort : "default"] : [0, 0],
    lean: alone || settings.experts !== null ? [] : LEAN[targets ? "numbers" : "classes"],
    intervals: intervals === SCALED && experts.length === 1 ? PLAIN : intervals,
    history,
    ...textOf(settings, at, experts.length + history > 1 && (targets || loss.name === "cross_entropy")),
    outputs: 1,
  });
}

/** Give an expert its output layer (zeros: no opinion at first) and the learner's loss, penalties and bounds. */
function withHead(expert, loss, settings) {
  const own = { ...expert, loss: expert.log_link ? asLoss("poisson") : loss, layers: [...expert.layers, made("Dense", { units: 1, initializer: "zeros" })] };
  for (const name of ["l1", "l2", "clip_norm", "clip_value"]) if (settings[name]) own[name] = settings[name];
  return made("Expert", withoutClass(own));
}

function withoutClass({ class: _, ...fields }) {
  return fields;
}

/** Return the one expert of a net whose hidden layers or rule were given. */
function singleNet(settings) {
  const rule = asOptimizer(settings.optimizer ?? SINGLE_RULE);
  if (settings.lr !== null) asSchedule(settings.lr, "lr");
  const optimizer = settings.lr === null ? rule : asOptimizer({ ...rule, lr: settings.lr });
  return made("Expert", { layers: hiddenLayers(settings), optimizer });
}

/** Return the layers in front of the output layer. */
function hiddenLayers({ layers, hidden, norm, activation, dropout }) {
  if (layers !== null) return layers.map(asLayer);
  const norms = { layer: () => made("LayerNorm", { affine: false }), batch: () => made("BatchNorm", {}) };
  const sizes = Array.isArray(hidden) ? hidden : [hidden ?? 64];
  return sizes.flatMap((units) => {
    const own = norm
      ? [made("Dense", { units, initializer: "lecun" }), norms[norm](), made("Activation", { name: activation ?? "relu" })]
      : [made("Dense", { units, activation: activation ?? "relu" })];
    return dropout ? [...own, made("Dropout", { rate: dropout })] : own;
  });
}

/** Return the experts of the default pool, without their output layers; numbers: answers are numbers with a mean. */
function pool(effort, numbers) {
  if (Object.hasOwn(POOLS, effort)) return [...POOLS[effort], ...(numbers ? LOG_LINKS[effort] : [])];
  const expected = `one of ${Object.keys(POOLS).join(", ")}`;
  throw new ConfigError({ expected, got: shown(effort), at: "effort", help: "Choose one of these." });
}
