// How the numbers of a table are written, judged as headwater.streams does: 1,234.56 or 1.234,56, with a sign of money or none. A single
// cell is ambiguous, so a whole column is looked at, and where that leaves two ways, the other columns of the file.
const SYMBOL = "[%‰°$¢£¥€₹₽₩₪₫₴₺₿฿]";
const CELL = new RegExp(`^([+-])?\\s*(${SYMBOL})?\\s*([+-])?\\s*(\\d[\\d.,' ]*\\d|\\d[.,]?|[.,]\\d+)([eE][+-]?\\d+)?\\s*(${SYMBOL})?(-)?$`);
// Decimal and thousands sign; the earlier way wins where cells fit both.
const WAYS = [[".", ""], [",", ""], [".", ","], [",", "."], [".", " "], [",", " "], [".", "'"], [",", "'"]];
const DOUBTFUL = 0.999; // weight of a long number without the thousands signs of its column
const GROUPS = /^\d{1,3}(?:(\.)\d{3}(?:\.\d{3})+|(,)\d{3}(?:,\d{3})+)$/; // two signs of the same kind: no fraction has two

const normalised = (cell) => cell.trim().normalize("NFKC").replace(/[−–]/g, "-").replace(/[’‘ʼ]/g, "'").trim();
const escaped = (sign) => sign.replace(/[.']/g, "\\$&");

function partsOf(cell) {
  const money = cell.endsWith(")") && cell.slice(0, 5).includes("("), match = CELL.exec(money ? cell.replace("(", "").slice(0, -1).trim() : cell);
  if (!match || (match[1] && match[3]) || (match[2] && match[6])) return null;
  const minus = [match[1], match[3], match[7]].includes("-");
  return { digits: match[4], sign: minus === money ? 1 : -1, exponent: match[5] ?? "", unit: match[2] ?? match[6] ?? "" };
}

function patternOf([decimal, thousands]) {
  const d = escaped(decimal), t = escaped(thousands), fraction = `(?:${d}\\d*)?`;
  const grouped = thousands ? `|[1-9]\\d{0,2}(?:${t}\\d{2,3})*${t}\\d{3}${fraction}` : "";
  return new RegExp(`^(?:\\d+${fraction}|${d}\\d+${grouped})$`);
}

function weightOf(digits, [decimal, thousands], grouped) {
  const whole = digits.split(decimal)[0];
  return grouped && whole.length > 3 && !whole.includes(thousands) ? DOUBTFUL : 1;
}

/** The ways in which most cells of a column are numbers; none if half of the cells or more are no numbers. */
export function waysOf(cells) {
  const found = cells.map((cell) => partsOf(normalised(cell))).filter(Boolean);
  if (2 * found.length <= cells.length || new Set(found.map(({ unit }) => unit).filter(Boolean)).size > 1) return [];
  const signs = new Set(found.flatMap(({ digits }) => [...digits].filter((sign) => ",.' ".includes(sign))));
  const fits = WAYS.filter(([decimal, thousands]) => (thousands ? signs.has(thousands) : decimal === "." || signs.has(decimal))).map((way) => {
    const pattern = patternOf(way);
    return [way, found.reduce((sum, { digits }) => sum + (pattern.test(digits) ? weightOf(digits, way, signs.has(way[1])) : 0), 0)];
  });
  const most = Math.max(0, ...fits.map(([, fit]) => fit));
  return 2 * most <= cells.length ? [] : fits.filter(([, fit]) => fit === most).map(([way]) => way);
}

/** The decimal sign that the columns show beyond doubt, else that of the delimiter's country. */
function decimalOf(columns, semicolons) {
  const settled = new Set(columns.flatMap(({ cells }) => cells.map((cell) => GROUPS.exec(cell)).filter(Boolean).map((match) => (match[1] ? "," : "."))));
  if (settled.size === 1) return [...settled][0];
  const votes = { ",": 0, ".": 0 };
  for (const { cells, ways } of columns) {
    const shown = new Set(ways.map(([decimal]) => decimal));
    if (shown.size === 1 && cells.some((cell) => /[,.]/.test(cell))) votes[[...shown][0]] += 1;
  }
  if (semicolons && votes[","]) return ",";
  if (votes[","] !== votes["."] || votes[","]) return votes[","] > votes["."] ? "," : ".";
  return semicolons ? "," : ".";
}

/** How each column's cells become numbers: a function from a cell to a number or undefined, or null for a column of texts. */
export function readersOf(columns, semicolons) {
  const judged = columns.map((cells) => ({ cells, ways: waysOf(cells) })), decimal = decimalOf(judged, semicolons);
  return judged.map(({ cells, ways: [best, ...others] }) => {
    if (!best) return null;
    const signs = new Set(cells.flatMap((cell) => [...cell].filter((sign) => ",.".includes(sign))));
    const way = others.length && signs.size === 1 ? ([best, ...others].find((one) => one[0] === decimal) ?? best) : best;
    const pattern = patternOf(way);
    return (cell) => {
      const parts = partsOf(normalised(cell));
      if (!parts || !pattern.test(parts.digits)) return undefined;
      return parts.sign * Number(parts.digits.replaceAll(way[1] || "\0", "").replace(way[0], ".") + parts.exponent);
    };
  });
}
