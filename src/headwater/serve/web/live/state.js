import { has } from "../shared/language.js";

// What the live page knows of the server; connection.js fills it, every other file reads it.
export const state = {
  model: "", // the name of the model on show; empty for the server's default
  frame: null, // the last message
  at: 0, // when it came
  points: [], // one a second: rate, latencies, the experts' weights
  link: "starting", // starting, connected, disconnected
};
export const MAX_POINTS = 600;
export const isClassifier = (frame) => frame.task === "classify";
export const isDetector = (frame) => frame.task === "anomaly";
export const isForecaster = (frame) => frame.task === "forecast";
export const isAgent = (frame) => frame.task === "control";
export const isBandit = (frame) => frame.task === "decide";
export const isOutputs = (frame) => frame.task === "multioutput";
// A kind for which the page has no words of its own: its declaration says what is shown.
export const isOther = (frame) => !has(`about_${frame.task}`);
// Whether scores are shares of right answers: of classes, also where a row has several answers.
export const inShares = (frame) => isClassifier(frame) || (isOutputs(frame) && frame.learners[0].scores.model.accuracy != null);
export const scoreName = (frame) => (isOther(frame) ? frame.about.score : isAgent(frame) ? "return" : inShares(frame) ? "accuracy" : isDetector(frame) ? "alarms" : isBandit(frame) ? "mean_reward" : "mae");
export const baselineNames = (frame) => (isOther(frame) ? frame.about.baselines : isDetector(frame) || isAgent(frame) ? [] : isBandit(frame) ? ["uniform", "best fixed"] : [isClassifier(frame) || isOutputs(frame) ? "majority" : isForecaster(frame) ? "season" : "mean", "no-change"]);
