// The table of how the columns of one's own CSV are read, before anything is learned.
import { byId, element } from "../../shared/dom.js";
import { text } from "../../shared/language.js";
import { ask } from "../run.js";

const HEADS = ["look_column", "look_kind", "look_cells", "look_gaps", "look_odd"];
const LONG = 18;

const short = (cell) => (cell.length > LONG ? `${cell.slice(0, LONG - 1)}…` : cell);
const odd = ({ mark, value }) => `${text(`look_${mark}`)}${value === undefined ? "" : ` ${value}`}`;

/** Ask how the columns are read and show it, or nothing where the points are no file's. */
export async function showLook(shown) {
  byId("play-look").hidden = !shown;
  if (!shown) return;
  const columns = await ask("look");
  const head = element("tr"), body = element("tbody");
  head.append(...HEADS.map((name) => element("th", text(name), { scope: "col" })));
  for (const { name, kind, cells, gaps, marks } of columns) {
    const row = element("tr");
    row.append(element("th", name, { scope: "row" }), ...[text(`look_${kind}`), cells.map(short).join(" · "), gaps ? gaps.toLocaleString() : "", marks.map(odd).join(", ")].map((cell) => element("td", cell)));
    body.append(row);
  }
  const top = element("thead");
  top.append(head);
  byId("play-look-table").replaceChildren(top, body);
}
