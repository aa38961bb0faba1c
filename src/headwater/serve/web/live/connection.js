// One stream of events, a message a second. It comes back by itself when the server does.
import { byId } from "../shared/dom.js";
import { MAX_POINTS, state } from "./state.js";

let source = null, onMessage = () => {}, onLink = () => {};

export function connect(listeners) {
  if (listeners) ({ onMessage, onLink } = listeners);
  source?.close();
  source = new EventSource(`/events${state.model ? `?model=${encodeURIComponent(state.model)}` : ""}`);
  source.onmessage = (event) => { setLink("connected"); receive(JSON.parse(event.data)); };
  source.onerror = () => {
    if (state.frame) setLink("disconnected");
    if (source.readyState === EventSource.CLOSED) retry(); // refused: a token is missing, or the server is starting
  };
}

async function retry() {
  const response = await fetch("/models").catch(() => null);
  if (response?.status === 401) { byId("login").hidden = false; return; }
  setTimeout(connect, 1500);
}

function setLink(link) {
  if (state.link === link) return;
  state.link = link;
  onLink();
}

function receive(frame) {
  const promoted = state.frame?.name === frame.name && state.frame.learners[0].name !== frame.learners[0].name;
  state.frame = frame;
  state.at = Date.now();
  state.model ||= frame.name;
  if (promoted) { connect(); return; } // the new champion has a past of its own
  if (frame.past) state.points = frame.past;
  if (frame.now.t > (state.points.at(-1)?.t ?? 0)) state.points = [...state.points, frame.now].slice(-MAX_POINTS);
  onMessage();
}
