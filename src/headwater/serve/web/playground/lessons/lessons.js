// Five guided tasks: how each begins, and its goals, which the page checks on what it sees. They are reached in their order.
import { DEFAULTS } from "../settings.js";

const accurate = ({ fit }, share) => fit.test.accuracy >= share;
const isNeuron = ({ settings }) => !settings.hidden.length && settings.features.every((name) => name === "x1" || name === "x2");

/** By name: settings beside the defaults, and goals: a text's key ends in the number of each. */
export const LESSONS = {
  xor: {
    setup: { data: "xor", hidden: [], noise: 0.1, speed: 500, lr: 0.1 },
    goals: [(seen) => isNeuron(seen) && seen.n >= 1000 && !accurate(seen, 0.75), (seen) => seen.n >= 300 && accurate(seen, 0.9)],
  },
  saturation: {
    setup: { data: "moons", speed: 500 },
    goals: [({ n, saturated }) => n >= 100 && saturated >= 0.8, (seen) => seen.n >= 100 && (seen.saturated ?? 0) <= 0.5 && accurate(seen, 0.95)],
  },
  step: {
    setup: { data: "moons", speed: 500 },
    goals: [({ n, scores: { loss } }) => n >= 300 && loss[0] > loss[1], (seen) => seen.n >= 300 && seen.n <= 3000 && seen.fit.test.loss <= 0.15],
  },
  overfit: {
    setup: { data: "moons", points: 12, noise: 0.6, hidden: [8, 8], optimizer: "adam", lr: 0.01, batch: 0, speed: 2000 },
    goals: [
      ({ n, fit }) => n > 0 && fit.train.loss < 0.05 && fit.test.loss > fit.train.loss + 0.4,
      (seen) => seen.n >= 1000 && seen.settings.noise >= 0.6 && accurate(seen, 0.8) && seen.fit.test.loss <= 0.4,
    ],
  },
  drift: {
    setup: { data: "gaussians", drift: "abrupt", every: 1000, speed: 500 },
    goals: [
      (seen) => seen.n >= 200 && !seen.fit.first && accurate(seen, 0.95),
      ({ fit, marks }) => marks.length > 0 && fit.first !== null,
      (seen) => seen.fit.first !== null && accurate(seen, 0.9) && seen.fit.first.accuracy <= 0.5,
    ],
  },
};

/** What settings are where nothing else was chosen: the defaults, and a lesson's own. */
export const defaultsOf = (lesson) => ({ ...DEFAULTS, ...(Object.hasOwn(LESSONS, lesson) ? LESSONS[lesson].setup : {}) });

/** How many goals are reached, given how many were. */
export function reached(name, before, seen) {
  const { goals } = LESSONS[name];
  return before < goals.length && goals[before](seen) ? before + 1 : before;
}
