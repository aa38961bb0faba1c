// What the playground shows and which settings were chosen; every other file of the page reads this one.
import { DEFAULTS, FEATURES } from "./settings.js";

export const settings = { ...DEFAULTS };
export const state = {
  choices: null, frame: null, points: [], curve: [], fits: [], marks: [], training: null, steps: null, selected: [9, 0], weight: null, over: null, running: false,
  links: [], ends: [], painted: 0, offered: null, // columns of a file that was refused as it was chosen from, with its text
  netSettings: settings, // of the net on show; later changes are on their way
};
export const view = () => ({ ...state, settings: state.netSettings, classes: state.frame.classes, featureName: (name) => FEATURES[name] });
