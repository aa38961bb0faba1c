// What the playground is and was wished to be; every other file of it reads this one.
export const by = (id) => document.getElementById(id);
export const FEATURES = { x1: "x₁", x2: "x₂", "x1^2/3": "x₁²/3", "x2^2/3": "x₂²/3", "x1*x2/3": "x₁x₂/3", "sin x1": "sin x₁", "sin x2": "sin x₂" };

export const settings = {
  data: "circles", noise: 0.15, drift: "none", every: 1000, features: ["x1", "x2"], hidden: [4, 3], activation: "tanh",
  optimizer: "sgd", lr: 0.03, l1: 0, l2: 0, dropout: 0, seed: 1, columns: null,
};
export const state = {
  id: "", choices: null, frame: null, points: [], curve: [], marks: [], steps: null, selected: [9, 0], over: null, running: false,
  rate: 100, maps: [], surface: null, links: [], ends: [], made: settings, // what the frame's net was made of: later wishes are on their way
};
export const view = () => ({ ...state, settings: state.made, classes: state.frame.classes, featureName: (name) => FEATURES[name] });
