// The weights and the activations of each layer, as small pictures: blue above 0, orange below.
import { request } from "../shared/request.js";
import { byId, element } from "../shared/dom.js";
import { text } from "../shared/language.js";
import { css } from "../shared/theme.js";
import { state } from "./state.js";

const maps = { weights: [], activations: [] };

export async function loadHeatmaps() {
  for (const kind of ["weights", "activations"]) maps[kind] = await request("GET", `/models/${state.model}/${kind}`);
  drawHeatmaps();
}

export function drawHeatmaps() {
  for (const [kind, layers] of Object.entries(maps)) byId(kind).replaceChildren(...layers.map(picture));
}

function picture(layer) {
  const figure = element("figure"), canvas = element("canvas"), zero = channels(css("--zero"));
  const rows = layer.cells.length, columns = layer.cells[0].length, cells = layer.cells.flat();
  const most = Math.max(1e-9, ...cells.map(Math.abs));
  canvas.width = columns; canvas.height = rows;
  canvas.style.width = `${Math.min(320, Math.max(48, columns * 5))}px`;
  canvas.style.height = `${Math.min(150, Math.max(24, rows * 5))}px`;
  const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
  cells.forEach((value, i) => image.data.set(shade(value / most, zero), 4 * i));
  context.putImageData(image, 0, 0);
  const name = [`${text("expert")} ${layer.expert}, ${text("layer")} ${layer.layer}`, layer.what].filter(Boolean).join(", ");
  const caption = `${name} · ${layer.shape.join(" × ")} · ±${most.toPrecision(3)}`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", caption);
  figure.append(canvas, element("figcaption", caption));
  return figure;
}

const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

function shade(v, zero) {
  const a = Math.min(1, Math.abs(v)), far = v > 0 ? [20, 110, 200] : [213, 94, 0];
  return [...far.map((c, i) => Math.round(zero[i] + (c - zero[i]) * a)), 255];
}
