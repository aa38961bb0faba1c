// What can go wrong: each error says what was expected, what came, where, and what to do, as in Python.

export class HeadwaterError extends Error {
  static title = "HeadwaterError";
  /** @param {{expected: string, got: string, at?: string, help?: string}} what */
  constructor({ expected, got, at = "", help = "" }) {
    super(`expected ${expected}, got ${got}${at && ` — at ${at}`}. ${help}`.trimEnd());
    this.name = new.target.title;
    Object.assign(this, { expected, got, at, help });
  }

  get code() {
    return "error";
  }

  toJSON() {
    return { error: `expected ${this.expected}, got ${this.got}`, at: this.at, help: this.help, code: this.code };
  }
}

/** A setting that cannot be. */
export class ConfigError extends HeadwaterError {
  static title = "ConfigError";
  get code() {
    return "config";
  }
}

/** What a model answers that `headwater export --no-learning` has reduced, where it is to learn or to be saved. */
export const reduced = (at) => new ConfigError({ expected: "a model that learns", got: "one exported to predict", at, help: "Export it without --no-learning." });

/** Input that cannot be used. */
export class DataError extends HeadwaterError {
  static title = "DataError";
  get code() {
    return "data";
  }
}

/** An answer of the wrong kind. */
export class TargetError extends DataError {
  static title = "TargetError";
  get code() {
    return "target";
  }
}

/** What a smaller build of the core lacks: a larger one takes the learner over, as open() does by itself. */
export class NotBuiltError extends HeadwaterError {
  static title = "NotBuiltError";
  constructor(at) {
    const help = "Load headwater.wasm.";
    super({ expected: "what this build of the core has", got: "more than that", at, help });
  }

  get code() {
    return "not_built";
  }
}

/** A saved model that is truncated, altered or from another version. */
export class ModelFileError extends HeadwaterError {
  static title = "ModelFileError";
  get code() {
    return "model_file";
  }
}

/** Say what a value is, in a few words of JavaScript. */
export function shown(value, depth = 0) {
  if (typeof value === "string") return `'${value}'`;
  if (typeof value === "bigint" || value === null || typeof value !== "object") return String(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (depth > 3) return "…";
  const inner = (own) => shown(own, depth + 1);
  if (Array.isArray(value)) return `[${value.map(inner).join(", ")}]`;
  if (Object.getPrototypeOf(value) !== Object.prototype) return `${value.constructor?.name ?? "an object"}`;
  return `{${Object.entries(value).map(([name, own]) => `${name}: ${inner(own)}`).join(", ")}}`;
}

/** Return the kind of a value, as an error names it. */
export function kindOf(value) {
  if (value === null) return "null";
  return typeof value === "object" ? (value.constructor?.name ?? "Object") : typeof value;
}

/** Return a number as C's %g prints it. */
export function short(x) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  const [, digits, power] = /^(-?[\d.]+)e([+-]\d+)$/.exec(x.toExponential(5));
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(Number(x.toPrecision(6)));
  return `${Number(digits)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}
