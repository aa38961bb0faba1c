// The buttons: pause, snapshot, downloads, the learning rate, a new challenger.
import { byId, element } from "../shared/dom.js";
import { text } from "../shared/language.js";
import { request, respond } from "../shared/request.js";
import { state } from "./state.js";

// Do something the server may refuse, and say how it went.
export async function attempt(deed) {
  byId("status").textContent = "";
  try { await deed(); byId("status").textContent = text("done"); } catch (error) { byId("status").textContent = error.message; }
}

export function showControls(frame) {
  byId("stepping").hidden = !frame.can.includes("step");
  byId("onnx").hidden = !frame.can.includes("onnx");
  byId("sizes-label").hidden = !frame.can.includes("layers");
  byId("step").textContent = text("step_now") + frame.learners[0].step;
  byId("pause").textContent = text(frame.paused ? "resume" : "pause");
  byId("file").href = `/models/${frame.name}/file`;
  byId("onnx").href = `/models/${frame.name}/onnx`;
}

async function download(id) { // fetched, so that a refusal is shown and not saved
  const response = await respond(byId(id).href);
  const link = element("a", undefined, { href: URL.createObjectURL(await response.blob()), download: `${state.model}.${id === "file" ? "hw" : "onnx"}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function wireControls() {
  byId("pause").onclick = () => attempt(() => request("POST", `/models/${state.model}/${state.frame.paused ? "resume" : "pause"}`));
  byId("snapshot").onclick = () => attempt(() => request("POST", "/snapshot"));
  for (const id of ["file", "onnx"]) byId(id).onclick = (event) => { event.preventDefault(); attempt(() => download(id)); };
  byId("stepping").onsubmit = (event) => {
    event.preventDefault();
    attempt(() => request("POST", `/models/${state.model}/step`, { factor: Number(byId("factor").value) }));
  };
  byId("challenge").onsubmit = (event) => {
    event.preventDefault();
    const sizes = byId("sizes").value, hidden = sizes ? sizes.split(",").map(Number) : null;
    attempt(() => request("POST", `/models/${state.model}/challengers`, { name: byId("challenger").value, hidden }));
  };
}
