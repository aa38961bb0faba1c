// Many rows: an array of objects, or a matrix of numbers.

import { DataError, kindOf } from "../errors.mjs";
import { OF_MATRIX } from "./planned.mjs";
import { checkSample, isMany } from "./values.mjs";

/** A row of a matrix; its columns are named x0, x1 and so on, which is their order too. */
class MatrixRow {
  [OF_MATRIX] = true;

  constructor(data, width) {
    this.data = data;
    this.from = 0;
    this.names = Array.from({ length: width }, (_, j) => `x${j}`);
  }

  asObject() {
    return Object.fromEntries(this.names.map((name, j) => [name, this.data[this.from + j]]));
  }

  /** Write its numbers, if it has no others. */
  write(doubles, at) {
    const { data, from } = this;
    const width = this.names.length;
    for (let j = 0; j < width; j++) {
      const value = data[from + j];
      if (typeof value !== "number") return false;
      doubles[at + j] = value;
    }
    return true;
  }
}

/** Return rows as {length, at(i)}: an array of objects as it is, of a matrix a view that moves on. */
export function rowsOf(X) {
  if (Array.isArray(X)) {
    for (let i = 0; i < X.length; i++) checkSample(X[i], i); // all of them before anything is learned
    return X;
  }
  const { data, shape } = matrixOf(X);
  const row = new MatrixRow(data, shape[1]);
  return { length: shape[0], at: (i) => Object.assign(row, { from: i * shape[1] }) };
}

/** Return numbers and shape of a matrix {data, shape}. */
export function matrixOf(X) {
  const { data, shape } = X ?? {};
  const whole = (size) => Number.isInteger(size) && size >= 0;
  const fits = isMany(data) && Array.isArray(shape) && shape.length === 2 && shape.every(whole);
  if (fits && shape[0] * shape[1] === data.length) return { data, shape };
  const got = isMany(data) ? `${data.length} numbers of shape [${shape}]` : kindOf(X);
  const expected = "an array of objects, or a matrix whose numbers fit its shape";
  const help = "Give e.g. {data: new Float64Array(6), shape: [3, 2]}.";
  throw new DataError({ expected, got, at: "X", help });
}
