// Ask before something is lost: a dialog that says what, with a button named after the deed.
import { element } from "./dom.js";
import { text } from "./language.js";

export function confirm({ title, lines, deed }) {
  const dialog = element("dialog", undefined, { className: "confirm" });
  const heading = element("h2", title, { id: "confirm-title" });
  const buttons = element("p", undefined, { className: "controls" });
  const yes = element("button", deed, { type: "button", className: "danger", onclick: () => dialog.close("yes") });
  const no = element("button", text("cancel"), { type: "button", autofocus: true, onclick: () => dialog.close("") });
  buttons.append(yes, no);
  dialog.setAttribute("aria-labelledby", "confirm-title");
  dialog.append(heading, ...lines.map((line) => element("p", line)), buttons);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => { dialog.remove(); resolve(dialog.returnValue === "yes"); };
  });
}
