// One way to ask the server: its answer, or an error whose message is in the page's language.
import { told } from "/page/refusals.js";
import { say } from "/page/words.js";

export async function answered(path, more) {
  const answer = await fetch(path, more).catch(() => { throw new Error(say("unreachable")); });
  if (answer.ok) return answer;
  if (answer.status === 401) { document.getElementById("login").hidden = false; location.hash = ""; } // the form is on the first tab
  const value = await answer.json().catch(() => ({ error: `HTTP ${answer.status}`, at: path, help: "" }));
  throw Object.assign(new Error(told(value)), { status: answer.status });
}

export async function ask(method, path, body) {
  return (await answered(path, { method, body: body && JSON.stringify(body), headers: body ? { "content-type": "application/json" } : {} })).json();
}
