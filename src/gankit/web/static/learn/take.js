// Take it with you: the command, the lines of Python, and the lesson as a script of its own with its data.

import { el, fill } from "../dom.js";
import { source } from "../source.js";
import { press } from "./parts.js";
import { tell } from "./texts.js";

const FEWEST_STEPS = 1000;

/** The panel at the end. */
export class TakePanel {
  constructor(table) {
    this.table = table;
    this.body = el("div");
    this.id = null;
    this.element = el("section", { class: "panel take", "aria-labelledby": "take-title" }, el("h2", { id: "take-title" }, tell("take")), el("p", { class: "note" }, tell("takeNote")), this.body);
  }

  async show() {
    const [side] = this.table.sides;
    const key = `${side.id} ${Math.max(FEWEST_STEPS, side.picture.step)}`;
    if (this.key === key || this.table.playing) return;
    this.key = key;
    const found = await source().learnCommands(side.id).catch(() => null);
    if (!found || this.key !== key) return;
    const steps = Math.max(FEWEST_STEPS, side.picture.step);
    const block = (title, text) => el("div", { class: "block" }, el("div", { class: "between" }, el("h3", {}, title), press(tell("copy"), (event) => this.copy(event.target, text), { class: "quiet" })), el("pre", { tabindex: 0 }, text));
    fill(this.body, block(tell("takeCommand"), found.command), block(tell("takePython"), found.python),
      el("p", { class: "buttons" }, el("a", { class: "button", href: source().learnScript(side.id, steps), download: "gan.py" }, tell("takeScript")), el("a", { class: "button", href: source().learnData(side.id), download: "data.txt" }, tell("takeData"))),
      el("p", { class: "note" }, tell("takeRun")));
  }

  async copy(button, text) {
    const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    fill(button, tell(done ? "copied" : "copyFailed"));
    setTimeout(() => fill(button, tell("copy")), 1500);
  }
}
