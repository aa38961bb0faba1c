// Plain CSV as Python's reader takes it: separator, quotes, missing values, numbers, true and false.

const SEPARATORS = [",", ";", "\t", "|"];
const MISSING = /^(?:[+-]?[nN][aA][nN]|NA|N\/A|n\/a|#N\/A|<NA>|null|Null|NULL|None|none|NONE|)$/;
/** What stands where a number or a date is missing; in a column of texts it is text. */
const MARKS = new Set(
  "? - -- --- — – . .. ... * x X na Na n.a. N.A. n/d N/D nd ND nil NIL unknown Unknown UNKNOWN missing Missing MISSING (blank) \\N #DIV/0! #VALUE! #REF! #NUM! #NAME? #NULL! NaT 1.#QNAN -1.#IND 无 無 空 未知 不详 不明 暂无".split(" "),
);
const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const CODE = /^[+-]?0\d/; // 02139 is a code, not a number

/** Cuts text into rows of cells; text may come in pieces. */
export class Cutter {
  #rest = "";
  #separator;

  constructor(separator) {
    this.#separator = separator;
  }

  /** Return the rows that a piece of text completes; `last`: what is left is a row too. */
  rows(piece, last = false) {
    const text = this.#rest + piece;
    const rows = [];
    let at = 0;
    while (at < text.length) {
      const [row, end] = this.#row(text, at, last);
      if (row === null) break;
      if (row.length > 1 || row[0] !== "") rows.push(row);
      at = end;
    }
    this.#rest = text.slice(at);
    return rows;
  }

  /** Return the row at a place and where the next begins; no row where its end has not come yet. */
  #row(text, at, last) {
    const cells = [];
    for (;;) {
      const [cell, end] = text[at] === '"' ? quoted(text, at) : this.#bare(text, at);
      const sign = text[end];
      if (sign === undefined && !last) return [null, at];
      if (sign === "\r" && end + 1 === text.length && !last) return [null, at]; // a newline may follow
      cells.push(cell);
      if (sign === this.#separator) at = end + 1;
      else return [cells, text.startsWith("\r\n", end) ? end + 2 : end + 1];
    }
  }

  #bare(text, at) {
    let end = at;
    while (end < text.length && text[end] !== this.#separator && text[end] !== "\n" && text[end] !== "\r") end++;
    return [text.slice(at, end), end];
  }
}

function quoted(text, at) {
  let cell = "";
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] !== '"') cell += text[end];
    else if (text[end + 1] === '"') cell += text[end++];
    else return [cell, end + 1];
  }
  return [cell, text.length];
}

/** Return the separator of a file by its first lines: what cuts them into the same number of cells, the most cells first. */
export function separatorOf(head, whole) {
  const told = /^sep=(.)\r?\n/.exec(head);
  if (told) return told[1];
  const counts = SEPARATORS.map((separator) => {
    const rows = new Cutter(separator).rows(head, whole).slice(0, 20);
    const width = rows[0]?.length ?? 0;
    return rows.every((row) => row.length === width) ? width : 0;
  });
  const most = Math.max(...counts);
  return most > 1 ? SEPARATORS[counts.indexOf(most)] : ",";
}

/** Return what a cell says by itself: null, true, false, a number, or text. */
export function answerOf(cell) {
  const plain = cell.trim();
  if (MISSING.test(plain)) return null;
  if (/^(?:true|True|TRUE)$/.test(plain)) return true;
  if (/^(?:false|False|FALSE)$/.test(plain)) return false;
  return PLAIN.test(plain) ? Number(plain) : plain;
}

/** Return the value of a cell for a column of that kind; of a column that is not known, by its own look. */
export function valueOf(cell, kind) {
  const plain = cell.trim();
  const value = answerOf(plain);
  if (value === null || typeof value === "boolean") return value;
  if (kind === "category") return plain;
  if (kind !== undefined && MARKS.has(plain)) return null;
  return kind === "time" || (kind === undefined && CODE.test(plain)) ? plain : value;
}

/** Return a cell as CSV writes it. A text that a spreadsheet would run as a formula stays one that it shows. */
export function written(value) {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
