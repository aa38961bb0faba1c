// One's own CSV as points of the plane: two columns of numbers are the inputs, one more is the answer. Every fourth row is held out.
import { BOX } from "../settings.js";
import { isGap, isNumeric, lookAt, numberOf } from "./look.js";
import { readersOf } from "./numbers.js";

const CLASSES = 6;
const ROWS = 20_000;
const COLUMNS = 1000;
const HELD_OUT = 4; // one row in so many

/** A CSV that can't be used: why, and what the sentence names. */
export class Unusable extends Error {
  constructor(code, values = {}) {
    super(code);
    Object.assign(this, { code, values });
  }
}

/** Cut a text into rows of cells; quotes may hold delimiters, line ends and doubled quotes. */
export function cells(text, delimiter) {
  const rows = [];
  let row = [], cell = "", quoted = false;
  const end = () => { row.push(cell.trim()); cell = ""; };
  const endRow = () => { end(); if (row.length > 1 || row[0]) rows.push(row); row = []; };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') { cell += c; i++; }
      else quoted = false;
    } else if (c === '"' && !cell.trim()) { quoted = true; cell = ""; }
    else if (c === delimiter) end();
    else if (c === "\n") endRow();
    else cell += c;
  }
  if (quoted) throw new Unusable("csv_quotes");
  endRow();
  return rows;
}

/** The delimiter that cuts the first line into the most parts. */
const delimiterOf = (line) => [",", ";", "\t", "|"].reduce((best, one) => (line.split(one).length > line.split(best).length ? one : best));

function read(text) {
  if (text.includes("\0")) throw new Unusable("csv_text");
  const plain = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n").replace(/^\n+/, "");
  if (!plain.trim()) throw new Unusable("csv_empty");
  const delimiter = delimiterOf(plain.slice(0, plain.indexOf("\n") + 1 || undefined)), [names, ...rows] = cells(plain, delimiter);
  if (names.length < 3 || names.length > COLUMNS || new Set(names).size < names.length) throw new Unusable("csv_header", { most: COLUMNS });
  if (!rows.length) throw new Unusable("csv_only_header", { columns: names.length });
  if (rows.length < 3 || rows.length > ROWS) throw new Unusable("csv_rows", { most: ROWS, got: rows.length });
  const whole = rows.filter((row) => row.length === names.length);
  const raw = names.map((_, j) => whole.map((row) => row[j])), readers = readersOf(raw.map((column) => column.filter((cell) => !isGap(cell))), delimiter === ";");
  const table = (columns) => Object.fromEntries(names.map((name, j) => [name, columns[j]]));
  return [names, table(raw.map((column, j) => column.map((cell) => plainly(cell, readers[j])))), table(raw), rows.length];
}

/** A cell as JavaScript reads numbers; of another cell its text. */
function plainly(cell, reader) {
  const value = reader && !isGap(cell) ? reader(cell) : undefined;
  return value === undefined || Number(cell) === value ? cell : String(value);
}

/** The columns that were chosen, or the first two of numbers, as far as there are some, and the last one. */
function choice(names, numeric, chosen) {
  const answer = chosen?.[2] ?? names.at(-1), others = names.filter((name) => name !== answer);
  const first = [...numeric.filter((name) => name !== answer), ...others.filter((name) => !numeric.includes(name))];
  return [...(chosen?.slice(0, 2) ?? first.slice(0, 2)), answer];
}

function check([x, y, answer], names, numeric) {
  const good = x !== y && numeric.includes(x) && numeric.includes(y) && ![x, y].includes(answer) && names.includes(answer);
  if (!good) throw new Unusable("csv_numbers");
}

/** Answers as numbers of classes and their names, or as values within ±1 and what these stand for. */
function answersOf(labels, name) {
  const kinds = [...new Set(labels)].sort();
  const numbers = labels.map(numberOf);
  if (numbers.every((v) => typeof v === "number") && (kinds.length > CLASSES || numbers.some((v) => v % 1))) {
    const low = numbers.reduce((a, b) => Math.min(a, b)), high = numbers.reduce((a, b) => Math.max(a, b));
    return { y: numbers.map((v) => (high > low ? (2 * (v - low)) / (high - low) - 1 : 0)), classes: [], answers: [low, high] };
  }
  if (kinds.length < 2 || kinds.length > CLASSES) throw new Unusable("csv_classes", { most: CLASSES, got: kinds.length, column: name.slice(0, 80) });
  return { y: labels.map((label) => kinds.indexOf(label)), classes: kinds.map((kind) => kind.slice(0, 40)), answers: [0, 0] };
}

/** A CSV as a source of points: see `Stream`. What other columns would mend is refused with their names, and those chosen. */
export function tableOf(text, wanted) {
  const [names, columns, raw, all] = read(text), numeric = names.filter((name) => isNumeric(columns[name]));
  const chosen = choice(names, numeric, wanted);
  try {
    check(chosen, names, numeric);
    return pointsOf(names, columns, raw, chosen, all);
  } catch (error) {
    if (error instanceof Unusable) Object.assign(error.values, { offered: { columns: names, chosen } });
    throw error;
  }
}

function pointsOf(names, columns, raw, chosen, all) {
  const [a, b, labels] = chosen.map((name) => columns[name]);
  const kept = labels.map((_, i) => i).filter((i) => typeof numberOf(a[i]) === "number" && typeof numberOf(b[i]) === "number" && numberOf(labels[i]) !== null);
  if (kept.length < 3) throw new Unusable("csv_few");
  const { y, classes, answers } = answersOf(kept.map((i) => labels[i]), chosen[2]);
  const axes = [a, b].map((column) => kept.map((i) => Number(column[i]))).map(scaled);
  const points = kept.map((_, i) => [axes[0].x[i], axes[1].x[i], y[i]]);
  const test = points.filter((_, i) => i % HELD_OUT === HELD_OUT - 1);
  const rows = points.filter((_, i) => i % HELD_OUT !== HELD_OUT - 1);
  const about = { columns: names, chosen, low: axes.map(({ low }) => low), high: axes.map(({ high }) => high), answers, rows: points.length, skipped: all - kept.length };
  return { classes, rows, test: test.length ? test : rows, pivot: [0, 0], about, looked: lookAt(names, columns, chosen[2], raw) };
}

/** Numbers brought to nine tenths of the box, and what its edges stand for. */
function scaled(values) {
  const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
  const width = high > low ? high - low : 1, margin = width / 18;
  return { x: values.map((v) => 0.9 * BOX * ((2 * (v - low)) / width - 1)), low: low - margin, high: low + width + margin };
}
