// One way to ask the server: its response, or an error whose message is in the page's language.
import { byId } from "./dom.js";
import { text } from "./language.js";
import { refusalText } from "./refusals.js";

export async function respond(path, more) {
  const response = await fetch(path, more).catch(() => { throw new Error(text("unreachable")); });
  if (response.ok) return response;
  if (response.status === 401) byId("login").hidden = false;
  const problem = await response.json().catch(() => ({ error: `HTTP ${response.status}`, at: path, help: "" }));
  throw Object.assign(new Error(refusalText(problem)), { status: response.status });
}

export async function request(method, path, body) {
  const headers = body ? { "content-type": "application/json" } : {};
  return (await respond(path, { method, body: body && JSON.stringify(body), headers })).json();
}
