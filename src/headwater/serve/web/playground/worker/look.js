// How the columns of a CSV are read, as `headwater look` says it: a column a line, with raw cells, gaps and what is odd.

const CELLS = 5;
const ROWS = 1000; // rows that are looked at
const WIDE = 40; // columns that are shown
const ID_SHARE = 0.95, ID_ROWS = 20, ID_LETTERS = 40;
const LEAK = 0.999;
const GAPS = new Set(["", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"]);
const MARKS = new Set(["?", "-", "--", ".", "..", "...", "*", "unknown", "missing", "无", "空", "未知", "不详"]);
const BOOLEANS = new Set(["true", "false"]);
const SENTINELS = new Set([99, 999, 9999, 99999, 999999, 9999999].flatMap((nines) => [nines, -nines]).concat(-32768));

/** Whether a cell says that a value is missing. */
export const isGap = (cell) => GAPS.has(cell.toLowerCase()) || MARKS.has(cell.toLowerCase());

/** The number that a cell is, null for a gap, undefined for a text. */
export function numberOf(cell) {
  const low = cell.toLowerCase();
  if (GAPS.has(low) || MARKS.has(low)) return null;
  return Number.isFinite(Number(cell)) && Math.abs(Number(cell)) <= 1e30 ? Number(cell) : undefined;
}

/** Whether more than half of what is there are numbers. */
export function isNumeric(column) {
  const values = column.map(numberOf).filter((value) => value !== null);
  return 2 * values.filter((value) => value !== undefined).length > values.length;
}

function kindOf(known) {
  if (!known.length) return "empty";
  if (known.every((cell) => BOOLEANS.has(cell.toLowerCase()))) return "boolean";
  if (2 * known.filter((cell) => /^\d{4}-\d\d-\d\d/.test(cell) && !Number.isNaN(Date.parse(cell.slice(0, 10)))).length > known.length) return "date";
  return isNumeric(known) ? "number" : "text";
}

/** Whether values hardly ever come again: texts without spaces, or whole numbers that count up. */
function isIdentifier(known, kind) {
  if (known.length < ID_ROWS || new Set(known).size < ID_SHARE * known.length) return false;
  if (kind === "text") return known.every((cell) => cell.length <= ID_LETTERS && !cell.includes(" "));
  return kind === "number" && known.every((cell, i) => i === 0 || Number(cell) - Number(known[i - 1]) === 1);
}

/** A number that is likely to stand for a gap: nines that come at least twice, far from all other numbers. */
function sentinelOf(numbers) {
  return [...SENTINELS].find((gap) => {
    const others = numbers.filter((x) => x !== gap), largest = others.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const far = others.length && (10 * largest < Math.abs(gap) || (gap < -100 && others.every((x) => x >= 0)));
    return far && numbers.length - others.length > 1;
  });
}

/** Whether a column tells the answer in all rows but a thousandth. */
function tells(cells, answers) {
  const pairs = cells.map((cell, i) => [cell, answers[i]]).filter(([a, b]) => !GAPS.has(a.toLowerCase()) && !GAPS.has(b.toLowerCase()));
  if (pairs.length < ID_ROWS || new Set(pairs.map(([, b]) => b)).size < 2) return false;
  const groups = new Map();
  for (const [a, b] of pairs) {
    const own = groups.get(a) ?? groups.set(a, new Map()).get(a);
    own.set(b, (own.get(b) ?? 0) + 1);
  }
  if (2 * groups.size <= pairs.length) return [...groups.values()].reduce((sum, own) => sum + Math.max(...own.values()), 0) >= LEAK * pairs.length;
  return pairs.every((pair) => pair.every((cell) => typeof numberOf(cell) === "number")) && correlation(pairs.map((pair) => pair.map(Number))) ** 2 >= LEAK;
}

function correlation(pairs) {
  const mean = [0, 1].map((j) => pairs.reduce((sum, pair) => sum + pair[j], 0) / pairs.length);
  const product = (j, k) => pairs.reduce((sum, pair) => sum + (pair[j] - mean[j]) * (pair[k] - mean[k]), 0);
  return product(0, 1) / Math.sqrt(product(0, 0) * product(1, 1));
}

/** Each column's kind, five different cells, gaps, and marks by their names in the texts. */
export function lookAt(names, columns, answer, raw) {
  return names.slice(0, WIDE).map((name) => {
    const cells = columns[name].slice(0, ROWS), known = cells.filter((cell) => !GAPS.has(cell.toLowerCase())), kind = kindOf(known);
    const values = kind === "number" ? known.filter((cell) => numberOf(cell) !== null) : known, marks = [];
    if (values.length > 1 && new Set(values).size === 1) marks.push({ mark: "constant" });
    if (name !== answer && isIdentifier(values, kind)) marks.push({ mark: "identifier" });
    if (name !== answer && tells(cells, columns[answer].slice(0, ROWS))) marks.push({ mark: "leaks" });
    const gap = kind === "number" ? sentinelOf(values.map(Number)) : undefined;
    if (gap !== undefined) marks.push({ mark: "sentinel", value: gap });
    return { name, kind, cells: [...new Set(raw[name].slice(0, ROWS).filter((cell) => !GAPS.has(cell.toLowerCase())))].slice(0, CELLS), gaps: cells.length - values.length, marks };
  });
}
