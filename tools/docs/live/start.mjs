// The live figures of a page: each begins when it comes into sight and rests when it is out of sight. Without this script a page
// has its pictures. A figure is declared by its picture: figures/neuron.svg has network/neuron.mjs.

import { Figure } from "./frame/figure.mjs";
import { texts } from "./frame/texts.mjs";

const NEAR = "200px"; // begin a little before the reader arrives
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const figures = new WeakMap();

const watcher = new IntersectionObserver(
  (seen) => {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting) begin(target);
      figures.get(target)?.inSight(isIntersecting);
    }
  },
  { rootMargin: NEAR },
);

for (const host of document.querySelectorAll(".live[data-live]")) {
  host.hidden = false;
  watcher.observe(host);
}

async function begin(host) {
  if (host.dataset.state) return;
  host.dataset.state = "loading";
  try {
    const { default: chapter } = await import(`./${host.dataset.live}.mjs`);
    const figure = await Figure.open(host, chapter, language);
    figures.set(host, figure);
    host.dataset.state = "ready";
  } catch (error) {
    host.dataset.state = "failed";
    host.textContent = texts[language].failed;
    console.error(error);
  }
}
