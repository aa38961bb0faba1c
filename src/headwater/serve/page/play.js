// The playground: a small net on the server learns a plane of points while one watches. This file wires its parts; play-state.js
// holds what they share, play-run.js asks the server, play-controls.js offers the choices, play-net.js is the net on the page,
// play-paint.js paints (with the pens of play-draw.js), play-steps.js shows the numbers of one sample.
import { say } from "/page/words.js";
import * as draw from "/page/play-draw.js";
import { columnsOf, controls, HTML, reflect, showRunning, thumbnails, upload } from "/page/play-controls.js";
import { build, measure } from "/page/play-net.js";
import { paint } from "/page/play-paint.js";
import { begin, change, go, halt, on, tell, turn } from "/page/play-run.js";
import { by, settings, state } from "/page/play-state.js";
import { figure } from "/page/play-steps.js";

Object.assign(on, { choices: controls, settings: reflect, running: showRunning, frame: show });

function show() {
  if (build() || by("play-columns").hidden === Boolean(state.frame.table)) columnsOf();
  paint();
}

function wire() {
  by("play-run").onclick = () => (state.running ? halt() : go());
  by("play-reset").onclick = () => { halt(); tell(""); turn("reset"); };
  by("play-step").onclick = () => { halt(); turn("step"); };
  by("play-rate").onchange = () => { state.rate = Number(by("play-rate").value); };
  for (const name of ["activation", "drift"]) by(`play-${name}`).onchange = () => change({ [name]: by(`play-${name}`).value });
  for (const name of ["lr", "l1", "l2", "dropout", "every"]) by(`play-${name}`).onchange = () => change({ [name]: Number(by(`play-${name}`).value) });
  by("play-optimizer").onchange = () => { const optimizer = by("play-optimizer").value; change({ optimizer, lr: state.choices.optimizers[optimizer] }); };
  by("play-noise").oninput = () => { by("play-noise-text").textContent = Number(by("play-noise").value).toFixed(2); };
  by("play-noise").onchange = () => change({ noise: Number(by("play-noise").value) });
  by("play-more").onclick = () => settings.hidden.length < 6 && change({ hidden: [...settings.hidden, Math.min(settings.hidden.at(-1) ?? 4, 4)] });
  by("play-less").onclick = () => change({ hidden: settings.hidden.slice(0, -1) });
  by("play-csv").onchange = () => { upload(by("play-csv").files[0]); by("play-csv").value = ""; };
  by("play-net").onpointermove = (event) => {
    const base = by("play-net").getBoundingClientRect(), link = draw.nearest(state.links, event.clientX - base.left, event.clientY - base.top);
    by("play-weight").textContent = link ? `${say("weight")} w = ${figure(link.w)}` : "";
  };
  by("play-net").onpointerleave = () => { by("play-weight").textContent = ""; };
}

async function open() {
  const here = location.hash === "#playground";
  document.body.dataset.tab = here ? "playground" : "live";
  by("play").hidden = !here;
  document.querySelector("main").hidden = here;
  for (const link of document.querySelectorAll(".tabs a")) link.setAttribute("aria-current", String((link.getAttribute("href") === "#playground") === here));
  window.dispatchEvent(new Event("resize")); // what was laid out while hidden had no width
  if (!here || state.id) return;
  state.id = "…";
  try { await begin(); } catch (error) { state.id = ""; tell(error.message); }
}

by("play").innerHTML = HTML;
for (const part of by("play").querySelectorAll("[data-say]")) part.textContent = say(part.dataset.say);
wire();
window.addEventListener("hashchange", open);
window.addEventListener("resize", () => { if (state.frame && !by("play").hidden) { measure(); thumbnails(); paint(); } });
window.addEventListener("pagehide", () => { if (state.frame) fetch(`/play/${state.id}`, { method: "DELETE", keepalive: true }); });
window.addEventListener("pageshow", (event) => { if (event.persisted && state.frame) begin(); });
// The page's language and theme are marked on its root.
new MutationObserver(() => { if (state.frame) { controls(); show(); } }).observe(document.documentElement, { attributeFilter: ["lang", "data-theme"] });
open();
