// The edges of the net: as thick as their weights are large, orange below 0 and blue above.
import { CLASSES, css, penOf } from "./draw.js";

const bow = (t, a, b) => a + (b - a) * (3 * t * t - 2 * t * t * t);
const along = (t, a, b) => a + (b - a) * (1.5 * t * (1 - t) ** 2 + 1.5 * t * t * (1 - t) + t ** 3);

function trace(pen, { from, to }) {
  const middle = (from[0] + to[0]) / 2;
  pen.beginPath();
  pen.moveTo(...from);
  pen.bezierCurveTo(middle, from[1], middle, to[1], ...to);
}

// Draw links, the heaviest last: [{from: [x, y], to: [x, y], w}]; the one that is held has a rim.
export function edges(canvas, links, { flow = 0, held = null } = {}) {
  const [pen] = penOf(canvas);
  for (const link of [...links].sort((a, b) => Math.abs(a.w) - Math.abs(b.w))) {
    const size = Math.min(Math.abs(link.w), 4), own = held && link.l === held.l && link.i === held.i && link.j === held.j;
    trace(pen, link);
    if (own) { pen.globalAlpha = 1; pen.setLineDash([]); pen.lineWidth = 6 + 2 * size; pen.strokeStyle = css("--text"); pen.stroke(); }
    pen.lineWidth = (own ? 2 : 0.7) + 2 * size;
    pen.globalAlpha = own ? 1 : 0.25 + 0.6 * Math.min(size, 1);
    pen.strokeStyle = link.w < 0 ? CLASSES[0] : CLASSES[1];
    pen.setLineDash(flow ? [9, 3] : []);
    pen.lineDashOffset = -flow;
    pen.stroke();
  }
}

// The link under the pointer, or null.
export function nearest(links, x, y) {
  let best = null, distance = 7;
  for (const link of links) {
    if (x < link.from[0] || x > link.to[0]) continue;
    let low = 0, high = 1;
    for (let i = 0; i < 20; i++) { const t = (low + high) / 2; if (along(t, link.from[0], link.to[0]) < x) low = t; else high = t; }
    const away = Math.abs(bow(low, link.from[1], link.to[1]) - y);
    if (away < distance) { best = link; distance = away; }
  }
  return best;
}
