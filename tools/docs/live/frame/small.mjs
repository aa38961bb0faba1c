// The net that chapters 6 to 9 follow with numbers.

import { Net } from "./core.mjs";

export const SMALL = [
  { weights: [[0.5, -1], [0.25, 0.5]], bias: [0, 0.5] },
  { weights: [[2], [-1]], bias: [0.5] },
];

/** The net, and its hidden layer alone. */
export function small(hw, optimizer = { name: "sgd", lr: 0.1 }) {
  const hidden = { name: "dense", units: 2, activation: "tanh" };
  const net = new Net(hw, { layers: [hidden, { name: "dense", units: 1 }], inputs: 2, optimizer });
  const only = new Net(hw, { layers: [hidden], inputs: 2 });
  net.set(...SMALL);
  only.set(SMALL[0]);
  return { net, hidden: only, free: () => (net.free(), only.free()) };
}
