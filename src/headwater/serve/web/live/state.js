import { current, text } from "../shared/language.js";

// What the live page knows of the server; connection.js fills it, every other file reads it.
export const state = {
  model: "", // the name of the model on show; empty for the server's default
  frame: null, // the last message
  at: 0, // when it came
  points: [], // one a second: rate, latencies, the experts' weights
  link: "starting", // starting, connected, disconnected
};
export const MAX_POINTS = 600;

// Whether the kind of the model on show declares a part of the page.
export const has = (frame, panel) => frame.views.panels.includes(panel);

// The words that a kind declares for itself; of one without them, its noun and the name of its metric.
export function words(frame, key) {
  const own = frame.views.words[current()]?.[key];
  return own ? own.replaceAll("{name}", frame.name) : text(`${key}_other`, { ...frame.about, name: frame.name, score: frame.about.score.replaceAll("_", " ") });
}
