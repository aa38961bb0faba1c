// The learner, in a worker: what the page asks are its methods, one after the other.

import { openKind } from "./kinds.mjs";

let model = null;

const ANSWERS = {
  async open({ bytes }) {
    const opened = await openKind(bytes, { at: "the file" });
    model?.free();
    model = opened;
    return ANSWERS.about();
  },
  about: () => ({ kind: model.kind, columns: model.columns, learns: model.learns, learned: model.nLearned, notes: model.notes }),
  get: ({ names }) => Object.fromEntries(names.map((name) => [name, model[name]])),
  call: ({ name, given }) => model[name](...given),
};

onmessage = async ({ data: { id, what, given } }) => {
  try {
    postMessage({ id, answer: await ANSWERS[what](given) });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};
