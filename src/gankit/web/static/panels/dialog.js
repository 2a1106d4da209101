// Questions that a page asks in a window of its own: to stop a run, to sample from it.

import { el, fill } from "../dom.js";
import { say } from "../words.js";

/** Opens a modal window with a title and contents; gives it. Escape and "Cancel" close it. */
export function dialog(title, ...contents) {
  const box = el("dialog", { "aria-labelledby": "dialog-title" }, el("h2", { id: "dialog-title" }, title), contents);
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/** The button that closes the window it stands in. */
export function cancelButton(text = say("cancel")) {
  return el("button", { type: "button", onclick: (event) => event.target.closest("dialog").close() }, text);
}

/** Asks whether to stop a run, and does it. */
export function askToStop(run) {
  const status = el("p", { class: "status", role: "status" });
  const stop = el("button", { type: "button", class: "danger", onclick: act }, say("stopNow"));
  const box = dialog(say("stopTitle"), el("p", {}, say("stopText")), status, el("div", { class: "buttons" }, cancelButton(say("keepTraining")), stop));
  async function act() {
    stop.disabled = true;
    fill(status, say("stopping"));
    try {
      await run.from.stop(run.name);
      box.close();
      run.asked = true;
      run.changed("summary");
    } catch (refusal) {
      fill(status, refusal.message || say("serverGone"));
      stop.disabled = false;
    }
  }
}
