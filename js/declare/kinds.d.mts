// Written by tools/build/written/types.py from the declarations in src/headwater/kinds. After a change there:
//   python -m tools.build.written.types
// What a model of each kind is asked, says and learns over HTTP: POST /models/{model}/ask and /teach.

export type Label = string | number | boolean;
/** What a sample may hold: text, numbers, times as text, lists and objects; null is missing. */
export type Value = string | number | boolean | null | Value[] | { [name: string]: Value };
export type Row = { [name: string]: Value };

interface Asked {
  /** What to say something of. */
  rows?: Row[] | null;
  /** Whether each row gets an id, under which its label can be taught later. */
  keep?: boolean;
}
interface Taught<Answer> {
  rows?: Row[] | null;
  labels?: (Answer | null)[] | null;
  weights?: (number | null)[] | null;
  ids?: (string | null)[] | null;
  /** Ids of questions whose labels come now. */
  asked?: string[] | null;
}
interface Reply<Said> {
  /** The model's number of the last event that it had learned. */
  seq: number;
  rows: ({ id?: string } & Said)[];
}

// ---- Classifier: a classifier ------------------------------------------------------------------------------

export interface ClassifierQuestion extends Asked {
  /** The share of labels that a set or an interval is to hold. From 0 to 1. */
  coverage?: number | null;
  /** What it costs to miss each true class, such as fraud=500,ok=5; 1 where it is not named. */
  costs?: { [name: string]: Value } | null;
}
export interface ClassifierResponse {
  /** The most probable class, or with costs the one whose mistakes are expected to cost least. */
  y_pred: Label | null;
  /** The probability of each class. */
  proba: { [name: string]: Value } | null;
  /** Classes that together hold the label in that share of cases. */
  set: Value[] | null;
}
export interface ClassifierExplained {
  /** The class that is explained; the predicted one without it. */
  target?: Label | null;
}
/** A classifier of task "classify". */
export interface Classifier {
  ask: ClassifierQuestion;
  said: Reply<ClassifierResponse>;
  teach: Taught<Label>;
  explain: ClassifierExplained;
}

// ---- Regressor: a regressor --------------------------------------------------------------------------------

export interface RegressorQuestion extends Asked {
  /** The share of labels that a set or an interval is to hold. From 0 to 1. */
  coverage?: number | null;
  /** long-run, for an interval whose share of labels comes to the coverage in the end. */
  guarantee?: string | null;
}
export interface RegressorResponse {
  /** The predicted number. */
  y_pred: number | null;
  /** The lower end of the interval. */
  low: number | null;
  /** The upper end of the interval. */
  high: number | null;
}
export interface RegressorExplained {
}
/** A regressor of task "regress". */
export interface Regressor {
  ask: RegressorQuestion;
  said: Reply<RegressorResponse>;
  teach: Taught<number>;
  explain: RegressorExplained;
}

// ---- Anomaly: a detector -----------------------------------------------------------------------------------

export interface AnomalyQuestion extends Asked {
  /** The share of rows that may be alarms. From 0.0005 to 1. By default 0.001. */
  rate?: number | null;
}
export interface AnomalyResponse {
  /** How anomalous the row is. From 0 to 1. */
  score: number | null;
  /** Whether it is an alarm. */
  anomaly: boolean | null;
}
export interface AnomalyExplained {
}
/** A detector of task "anomaly". */
export interface Anomaly {
  ask: AnomalyQuestion;
  said: Reply<AnomalyResponse>;
  teach: Taught<Label>;
  explain: AnomalyExplained;
}

// ---- Forecaster: a forecaster ------------------------------------------------------------------------------

export interface ForecasterQuestion extends Asked {
  /** How many times ahead. Unit: times. From 1 to 1,024. */
  horizon?: number | null;
  /** The share of values that intervals are to hold. From 0 to 1. By default 0.9. */
  coverage?: number | null;
}
export interface ForecasterResponse {
  /** The forecast. */
  y_pred: number | null;
  /** How many times ahead it is. Unit: times. */
  ahead: number | null;
  /** The lower end of the interval. */
  low: number | null;
  /** The upper end of the interval. */
  high: number | null;
}
export interface ForecasterExplained {
  /** How many times ahead the forecast is that is explained. Unit: times. From 1 to 1,024. By default 1. */
  horizon?: number | null;
}
/** A forecaster of task "forecast". */
export interface Forecaster {
  ask: ForecasterQuestion;
  said: Reply<ForecasterResponse>;
  teach: Taught<number>;
  explain: ForecasterExplained;
}

// ---- Bandit: a bandit --------------------------------------------------------------------------------------

export interface BanditQuestion extends Asked {
  /** The actions on offer, perhaps with features; those known without it. */
  actions?: Value[] | { [action: string]: Row } | null;
}
export interface BanditResponse {
  /** The action of the largest expected reward. */
  y_pred: Label | null;
  /** The probability with which each action is drawn. */
  proba: { [name: string]: Value } | null;
  /** The reward that is expected of each action. */
  expected: { [name: string]: Value } | null;
}
export interface BanditLabel {
  /** The action that was taken. */
  action: Label;
  /** What came of it; the more, the better. */
  reward: number;
  /** The probability with which it was taken. From 0 to 1. By default 1.0. */
  p?: number | null;
  /** The actions that were offered, perhaps with features. */
  actions?: Value[] | { [action: string]: Row } | null;
}
export interface BanditExplained {
  /** The action that is explained; the best one without it. */
  action?: Label | null;
}
/** A bandit of task "decide". */
export interface Bandit {
  ask: BanditQuestion;
  said: Reply<BanditResponse>;
  teach: Taught<BanditLabel>;
  explain: BanditExplained;
}

// ---- Router: a router --------------------------------------------------------------------------------------

export interface RouterQuestion extends Asked {
  /** Tokens of the prompt. At least 0. */
  tokens?: number | null;
}
export interface RouterResponse {
  /** The most probable model; with keep the one that was drawn. */
  y_pred: Label | null;
  /** The probability with which each model is drawn. */
  proba: { [name: string]: Value } | null;
  /** The quality that is expected of each model. */
  expected: { [name: string]: Value } | null;
  /** What each model is expected to cost. */
  cost: { [name: string]: Value } | null;
}
export interface RouterLabel {
  /** The model that answered. */
  model: Label;
  /** How good its answer was, from 0 to 1. */
  quality: number;
  /** The probability with which it was chosen. From 0 to 1. By default 1.0. */
  p?: number | null;
}
export interface RouterExplained {
  /** The model that is explained; the best one without it. */
  model?: Label | null;
}
/** A router of task "route". */
export interface Router {
  ask: RouterQuestion;
  said: Reply<RouterResponse>;
  teach: Taught<RouterLabel>;
  explain: RouterExplained;
}

// ---- Agent: an agent ---------------------------------------------------------------------------------------

export interface AgentQuestion extends Asked {
  /** Whether actions may be random. By default false. */
  explore?: boolean | null;
}
export interface AgentResponse {
  /** The value of the state: the discounted sum of scaled rewards to come. */
  value: number | null;
  /** The action to take. */
  action: Value | null;
}
export interface AgentLabel {
  /** The action that was taken. */
  action: Value;
  /** What it brought. */
  reward: number;
  /** The state that followed. */
  next?: Row | null;
  /** Whether the episode has ended. By default false. */
  terminated?: boolean | null;
  /** Whether the episode was cut off. By default false. */
  truncated?: boolean | null;
}
export interface AgentExplained {
  /** The action that is explained; the best one without it. */
  action?: Value | null;
}
/** An agent of task "control". */
export interface Agent {
  ask: AgentQuestion;
  said: Reply<AgentResponse>;
  teach: Taught<AgentLabel>;
  explain: AgentExplained;
}

// ---- MultiOutput: a multi-output learner -------------------------------------------------------------------

export interface MultiOutputQuestion extends Asked {
  /** The share of labels that a set or an interval is to hold. From 0 to 1. */
  coverage?: number | null;
}
export interface MultiOutputResponse {
  /** The prediction of each output. */
  y_pred: { [name: string]: Value } | null;
  /** Of outputs of classes, those that together hold the label in that share of cases. */
  set: { [name: string]: Value } | null;
  /** Of outputs of numbers, the lower end of the interval. */
  low: { [name: string]: Value } | null;
  /** Of outputs of numbers, the upper end of the interval. */
  high: { [name: string]: Value } | null;
}
export interface MultiOutputExplained {
}
/** A multi-output learner of task "multioutput". */
export interface MultiOutput {
  ask: MultiOutputQuestion;
  said: Reply<MultiOutputResponse>;
  teach: Taught<{ [name: string]: Value }>;
  explain: MultiOutputExplained;
}

// ---- PrivateClassifier: a private classifier ---------------------------------------------------------------

export interface PrivateClassifierQuestion extends Asked {
  /** What it costs to miss each true class, such as fraud=500,ok=5; 1 where it is not named. */
  costs?: { [name: string]: Value } | null;
}
export interface PrivateClassifierResponse {
  /** The most probable class, or with costs the one whose mistakes are expected to cost least. */
  y_pred: Label | null;
  /** The probability of each class. */
  proba: { [name: string]: Value } | null;
}
export interface PrivateClassifierExplained {
  /** The class that is explained; the predicted one without it. */
  target?: Label | null;
}
/** A private classifier of task "private_classify". */
export interface PrivateClassifier {
  ask: PrivateClassifierQuestion;
  said: Reply<PrivateClassifierResponse>;
  teach: Taught<Label>;
  explain: PrivateClassifierExplained;
}

// ---- PrivateRegressor: a private regressor -----------------------------------------------------------------

export interface PrivateRegressorQuestion extends Asked {
}
export interface PrivateRegressorResponse {
  /** The predicted number. */
  y_pred: number | null;
}
export interface PrivateRegressorExplained {
}
/** A private regressor of task "private_regress". */
export interface PrivateRegressor {
  ask: PrivateRegressorQuestion;
  said: Reply<PrivateRegressorResponse>;
  teach: Taught<number>;
  explain: PrivateRegressorExplained;
}

/** Each kind by its task, as `GET /models` names it. */
export interface Kinds {
  "classify": Classifier;
  "regress": Regressor;
  "anomaly": Anomaly;
  "forecast": Forecaster;
  "decide": Bandit;
  "route": Router;
  "control": Agent;
  "multioutput": MultiOutput;
  "private_classify": PrivateClassifier;
  "private_regress": PrivateRegressor;
}

/** A saved model of any kind where Python is not: what openKind of kinds.mjs gives. A sample is an object or a Map. */
export interface Opened {
  readonly kind: string;
  readonly nLearned: number;
  readonly columns: { name: string; kind: string; mean: number | null; categories: string[] }[];
  readonly notes: { [name: string]: unknown };
  readonly rejected: { [reason: string]: number };
  digest(): bigint;
  save(): Uint8Array;
  free(): void;
}
export type Sample = { [name: string]: unknown } | Map<string, unknown>;
/** A classifier with a memory. Costs of mistakes, by true class named as a text, decide as in Python. */
export interface OpenedClassifier extends Opened {
  readonly classes: Label[];
  predictOne(x: Sample, options?: { costs?: { [label: string]: number | { [label: string]: number } } }): Label | null;
  predictProbaOne(x: Sample): Map<Label, number>;
  learnOne(x: Sample, y: Label, w?: number): void;
}
export interface OpenedForecaster extends Opened {
  readonly horizon: number;
  learnOne(y: number | null, x?: Sample): void;
  forecast(horizon?: number, xs?: Sample[]): number[];
  forecastInterval(horizon?: number, xs?: Sample[], coverage?: number): [number, number][];
  lastValues(): number[];
}
export interface OpenedAnomaly extends Opened {
  scoreOne(x: Sample): number;
  isAnomalyOne(x: Sample, rate?: number): boolean;
  explainOne(x: Sample): { score: number; contributions: Map<string, number> };
  learnOne(x: Sample, w?: number): void;
}
export interface OpenedBandit extends Opened {
  readonly actions: Label[];
  readonly withFeatures: boolean;
  expectedRewards(x: Sample, actions?: Label[] | Map<Label, Row>): Map<Label, number>;
  probabilities(x: Sample, actions?: Label[] | Map<Label, Row>): Map<Label, number>;
  act(x: Sample, actions?: Label[] | Map<Label, Row>): [Label, number];
  predictOne(x: Sample, actions?: Label[] | Map<Label, Row>): Label | null;
  learn(x: Sample, action: Label, reward: number, p?: number, features?: Row | null): void;
}
export interface OpenedAgent extends Opened {
  readonly actions: Label[];
  readonly ranges: [number, number][];
  act(state: Sample, explore?: boolean): Label | number[];
  says(state: Sample): { value: number; actions: Map<Label, number>; rest: number[] };
  learn(state: Sample, action: Label | number[], reward: number, next: Sample | null, terminated?: boolean, truncated?: boolean): void;
}
export interface OpenedMultiOutput extends Opened {
  readonly outputs: Label[];
  classesOf(output: Label): Label[] | null;
  predictOne(x: Sample): Map<Label, Label>;
  said(x: Sample): Map<Label, { y: Label; classes: Map<Label, number> | null }>;
  learnOne(x: Sample, answers: Map<Label, Label> | { [output: string]: Label }): Map<Label, Label>;
}
/** Open a saved model of any kind: bytes, an address or a response, packed by gzip or not. */
export function openKind<Model extends Opened = Opened>(
  source: unknown,
  options?: { core?: unknown; at?: string },
): Promise<Model>;
