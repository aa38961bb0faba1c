// The settings of a file, and back: what a learner is declared by.

import { FIELDS, made } from "../declare/declare.mjs";
import { fromJson } from "./model.mjs";
import { asJson } from "./save.mjs";

export function settingsAsJson(settings) {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, asJson(value, name)]));
}

export function settingsFromJson(settings) {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, fromJson(value, madeAgain)]));
}

function madeAgain(name, fields) {
  if (!Object.hasOwn(FIELDS, name)) throw new TypeError(`${name} is unknown`);
  return made(name, settingsFromJson(fields));
}
