// Types of headwater.mjs.

/** What a sample may hold. Text, numbers and dates become columns, arrays and objects several; null and NaN are missing. */
export type Value = number | string | boolean | bigint | Date | null | undefined | Value[] | ArrayLike<number> | { [name: string]: Value } | Map<unknown, Value>;
export type Sample = { [name: string]: Value } | Map<string | number, Value>;
export type Label = string | number | boolean | bigint | Uint8Array | Label[];
/** Rows of numbers; to Classifier and Regressor their columns are named x0, x1 and so on. */
export interface Matrix<Numbers extends ArrayLike<number> = ArrayLike<number>> {
  data: Numbers;
  shape: [rows: number, columns: number];
}
export type Rows = Sample[] | Matrix;

export type ActivationName =
  | "identity" | "relu" | "leaky_relu" | "sigmoid" | "tanh" | "elu" | "selu" | "gelu" | "silu" | "softplus" | "hard_tanh";
export type InitializerName = "zeros" | "uniform" | "glorot" | "he" | "lecun" | "orthogonal" | "sparse";
export type Initializer = InitializerName | { name: InitializerName; scale?: number };
export type Schedule =
  | number
  | { name: "constant"; lr: number }
  | { name: "inverse_scaling"; lr: number; power?: number }
  | { name: "cosine"; lr: number; steps: number; floor?: number }
  | { name: "step"; lr: number; every: number; factor?: number }
  | { name: "warm_up"; lr: number; steps: number };
export type OptimizerName =
  | "sgd" | "momentum" | "nesterov" | "adagrad" | "rmsprop" | "adadelta" | "adam" | "adamw" | "amsgrad" | "nadam" | "ftrl" | "cocob";
/** The numbers of a rule are those of Python's headwater.nn, each with its own default. */
export type Optimizer =
  | OptimizerName
  | {
      name: OptimizerName;
      lr?: Schedule;
      momentum?: number;
      rho?: number;
      eps?: number;
      beta1?: number;
      beta2?: number;
      weightDecay?: number;
      momentumDecay?: number;
      beta?: number;
      l1?: number;
      l2?: number;
      alpha?: number;
    };
export type Layer =
  | { name: "dense"; units: number; activation?: ActivationName; bias?: boolean; initializer?: Initializer }
  | { name: "embedding"; rows: number; units: number; initializer?: Initializer }
  | { name: "dropout"; rate?: number }
  | { name: "layer_norm"; affine?: boolean; eps?: number }
  | { name: "batch_norm"; momentum?: number }
  | { name: "conv"; channels: number; kernel: number; activation?: ActivationName; stride?: number; padding?: number; bias?: boolean; initializer?: Initializer }
  | { name: "pool"; size?: number; stride?: number | null; padding?: number; kind?: "max" | "mean" }
  | { name: "flatten" }
  | { name: ActivationName; a?: number }
  | ActivationName;
export type LossName = "mse" | "mae" | "huber" | "binary_cross_entropy" | "cross_entropy" | "hinge" | "poisson" | "quantile";
export type Loss<Name extends LossName = LossName> = Name | { name: Name; a?: number };

interface Bounds {
  l1?: number;
  l2?: number;
  clipNorm?: number;
  clipValue?: number;
}
export interface Expert extends Bounds {
  layers?: Layer[];
  optimizer?: Optimizer;
  replays?: number;
  firstReplays?: number;
  cells?: boolean;
  logLink?: boolean;
}

/** As in Python, where they are described; Python's own names (max_rows) are taken too. */
interface LearnerSettings extends Bounds {
  hidden?: number | number[] | null;
  activation?: ActivationName | null;
  optimizer?: Optimizer | null;
  lr?: Schedule | null;
  dropout?: number;
  norm?: "layer" | "batch" | null;
  scale?: boolean;
  maxRows?: number;
  layers?: Layer[] | null;
  experts?: Expert[] | null;
  effort?: "fast" | "default" | "accurate";
  labelHistory?: boolean;
  /** Which columns are text, read as words. */
  text?: "auto" | "words" | "bigrams" | Record<string, "words" | "bigrams"> | null;
  /** Kept for Python, where a model keeps rows for its diagnosis; here none are kept. */
  diagnosis?: boolean;
  seed?: number | bigint;
  dtype?: "float32" | "float64";
}
export interface ClassifierSettings extends LearnerSettings {
  loss?: Loss<"cross_entropy" | "binary_cross_entropy" | "hinge">;
}
export interface RegressorSettings extends LearnerSettings {
  loss?: Loss<"huber" | "mse" | "mae" | "quantile" | "poisson">;
}
export interface NetworkSettings extends Bounds {
  layers: Layer[];
  loss?: Loss;
  optimizer?: Optimizer;
  seed?: number | bigint;
  dtype?: "float32" | "float64";
  /** How many numbers a row has, or [channels, height, width] of the image that it is. */
  inputs?: number | [number, number, number] | null;
}

/** One array of a learner's state, a copy. */
export interface StateArray {
  name: string;
  shape: number[];
  data: Uint8Array | Int32Array | BigInt64Array | BigUint64Array | Float32Array | Float64Array;
}

interface Model {
  /** A number that stands for all that was learned: equal learners have equal ones, on every machine. */
  digest(): bigint;
  /** The file that Python's `save` writes, as bytes. */
  save(): Uint8Array;
  /** One array of the state by its name, such as "weights". */
  array(name: string): StateArray | null;
  /** Give its memory back; it can't be used any more. What is no longer reachable is given back by itself, at some time. */
  free(): void;
  /** One line on what it is and what it knows; console.log prints it in Node, Deno and Bun. */
  toString(): string;
}

interface Learner extends Model {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly nLearned: number;
  /** Refused rows, dropped values and undone steps so far, by reason. */
  readonly rejected: Record<string, number>;
  /** The columns known so far, those inside arrays and objects by their full names. */
  readonly columns: Column[];
  /** What Python noted in the file that this learner came from, such as the name of the `target` column. */
  readonly notes: Readonly<Record<string, unknown>>;
}

export interface Column {
  name: string;
  kind: "number" | "category" | "time" | "words" | "bigrams";
  /** Of numbers the running mean; of a time that of its seconds since 1970. */
  mean: number | null;
  /** Of any column that has had texts, in the order of their appearance. */
  categories: string[];
}

/** How to explain: as in Python's `explain_one`. */
export interface ExplainOptions {
  method?: "integrated_gradients" | "gradient_x_input";
  of?: "proba" | "log_odds";
}

/** How much each feature moved one prediction away from the baseline: the sample with its numbers at their means, without categories. */
export interface Explanation {
  readonly prediction: number;
  readonly baseline: number;
  /** The largest first. */
  readonly contributions: Map<string | number, number>;
  readonly values: Map<string | number, Value>;
  /** The class that was explained; null of a regressor. */
  readonly target: Label | null;
  readonly method: string;
  readonly of: string;
  /** What the contributions leave unexplained. */
  readonly rest: number;
}

/**
 * What mistakes cost, by true class: a number for any other class that is predicted, or one for each. Classes are named as texts.
 * What is not named costs 1 where the classes differ, else 0.
 */
export type Costs = { [label: string]: number | { [label: string]: number } };

/** How to decide: without costs the most probable class is predicted, with them the one whose mistakes are expected to cost least. */
export interface Decision {
  costs?: Costs;
}

export interface Classifier extends Learner {
  readonly classes: Label[];
  predictOne(x: Sample, options?: Decision): Label | null;
  predictProbaOne(x: Sample): Map<Label, number>;
  /** Why a class is as probable as it is; the predicted one without a target. */
  explainOne(x: Sample, options?: ExplainOptions & { target?: Label | null }): Explanation;
  learnOne(x: Sample, y: Label, w?: number): void;
  /** Learn rows one by one; returns what was predicted before each was learned. */
  learnMany(X: Rows, y: ArrayLike<Label>, w?: number | ArrayLike<number>): (Label | null)[];
  predictMany(X: Rows, options?: Decision): (Label | null)[];
  predictProbaMany(X: Rows): Matrix<Float64Array>;
}

export interface Regressor extends Learner {
  predictOne(x: Sample): number;
  explainOne(x: Sample, options?: ExplainOptions): Explanation;
  predictIntervalOne(x: Sample, coverage?: number): [lower: number, upper: number];
  learnOne(x: Sample, y: number, w?: number): void;
  learnMany(X: Rows, y: ArrayLike<number>, w?: number | ArrayLike<number>): Float64Array;
  predictMany(X: Rows): Float64Array;
}

/** Numbers in, as many as the layers say out. */
type Numbers = Float32Array | Float64Array;
type Table = Matrix | ArrayLike<number>[] | ArrayLike<number>;

/** The numbers of one layer. */
export interface Parameters {
  name: string;
  weights: Matrix<Numbers>;
  bias: Numbers | null;
}

export interface Network extends Model {
  readonly outputs: number;
  /** Draw the initial weights for that many inputs; data does it by itself. */
  build(inputs: number | [number, number, number]): Network;
  predictOne(x: ArrayLike<number>): number | Numbers;
  predictProbaOne(x: ArrayLike<number>): Numbers;
  /** Returns the prediction made before. Quickest with a typed array and one output. */
  learnOne(x: ArrayLike<number>, y: number | ArrayLike<number>, w?: number): number | Numbers;
  learnMany(X: Table, y: Table, w?: ArrayLike<number>): Numbers | Matrix<Numbers>;
  predictMany(X: Table): Numbers | Int32Array | Matrix<Numbers>;
  /** Weights and bias of each layer that has any, copies. */
  readonly layers: Parameters[];
  /** Write numbers into the layers: what `layers` returned, with other ones. */
  setLayers(layers: Parameters[]): void;
  /** The mean loss over a batch, with the penalty and without dropout. */
  loss(X: Table, y: Table, w?: ArrayLike<number>): number;
  /** The gradient of `loss` by every number of array("weights"), in its layout. */
  gradients(X: Table, y: Table, w?: ArrayLike<number>): Numbers;
  layerGradients(X: Table, y: Table, w?: ArrayLike<number>): Parameters[];
  /** One step of the update rule along that gradient. */
  update(gradients: ArrayLike<number>): void;
  /** One step along the mean gradient of a batch, as Python's `fit` takes for each of its own; returns the loss before. */
  learnBatch(X: Table, y: Table, w?: ArrayLike<number>): number;
  /** Write numbers into an array of the state, as many as it has. */
  write(name: string, numbers: ArrayLike<number>): void;
  /** Predictions through the loss's link, such as probabilities. */
  forward(X: Table): Matrix<Numbers>;
}

export interface Headwater {
  readonly Classifier: new (settings?: ClassifierSettings) => Classifier;
  readonly Regressor: new (settings?: RegressorSettings) => Regressor;
  readonly Network: new (settings: NetworkSettings) => Network;
  /** Read a model that `save` wrote, here or in Python; it goes on learning where it stopped, to the bit. */
  load(bytes: Uint8Array | ArrayBuffer, at?: string): Classifier | Regressor | Network;
}

/** Load headwater.wasm: bytes, an address, a response, or a compiled module; without one, the file beside headwater.mjs. */
export function load(source?: Source | Promise<Source>): Promise<Headwater>;
export type Source = string | URL | ArrayBuffer | ArrayBufferView | Response | WebAssembly.Module;

/** A saved model in the smallest build of the core that can do what is asked; a larger one takes it over when it is needed. */
export interface Opened {
  /** Which build it is in. */
  readonly build: "predict" | "lean" | "whole";
  /** Whether it can go on learning: not a model that `headwater export --no-learning` has reduced to what predicts. */
  readonly learns: boolean;
  readonly kind: "Classifier" | "Regressor";
  readonly classes: Label[] | undefined;
  readonly columns: Column[];
  readonly nLearned: number;
  readonly notes: Record<string, unknown>;
  /** With costs, of a classifier, the whole build is loaded. */
  predictOne(x: Sample, options?: Decision): Promise<Label | number | null>;
  predictProbaOne(x: Sample): Promise<Map<Label, number>>;
  predictIntervalOne(x: Sample, coverage?: number): Promise<[lower: number, upper: number]>;
  learnOne(x: Sample, y: Label | number, w?: number): Promise<void>;
  explainOne(x: Sample, options?: ExplainOptions & { target?: Label | null }): Promise<Explanation>;
  digest(): Promise<bigint>;
  save(): Promise<Uint8Array>;
  free(): Promise<void>;
}

/** Open a saved model: bytes, an address or a response, packed by gzip or not. `learn`: begin with a build that learns. */
export function open(
  source: Exclude<Source, WebAssembly.Module> | Promise<Exclude<Source, WebAssembly.Module>>,
  options?: { learn?: boolean; builds?: { predict?: Source; lean?: Source; whole?: Source }; at?: string },
): Promise<Opened>;

/** What can go wrong, in one sentence: expected X, got Y — at PATH. What to do. */
export class HeadwaterError extends Error {
  readonly expected: string;
  readonly got: string;
  readonly at: string;
  readonly help: string;
  readonly code: string;
}
export class ConfigError extends HeadwaterError {}
export class DataError extends HeadwaterError {}
export class TargetError extends DataError {}
export class ModelFileError extends HeadwaterError {}
export class NotBuiltError extends HeadwaterError {}
