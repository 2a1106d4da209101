// Take it with you: the command, the lines of Python, and the lesson as a script of its own with its data.

import { el, fill } from "../dom.js";
import { source } from "../source.js";
import { say } from "../words.js";
import { press } from "./parts.js";
import { tell } from "./texts.js";

const FEWEST_STEPS = 1000;

/** The panel at the end. */
export class TakePanel {
  constructor(table) {
    this.table = table;
    this.body = el("div");
    this.status = el("p", { class: "status", role: "status" });
    this.element = el("section", { class: "panel take", "aria-labelledby": "take-title" }, el("h2", { id: "take-title" }, tell("take")), el("p", { class: "note" }, tell("takeNote")), this.body);
  }

  async show() {
    const [side] = this.table.sides;
    const key = `${side.id} ${Math.max(FEWEST_STEPS, side.picture.step)}`;
    if (this.key === key || this.table.playing) return;
    this.key = key;
    const found = await this.table.alive(side, (id) => source().learnCommands(id)).catch(() => null);
    if (!found || this.key !== key) return;
    const steps = Math.max(FEWEST_STEPS, side.picture.step);
    const block = (title, text) => el("div", { class: "block" }, el("div", { class: "between" }, el("h3", {}, title), press(tell("copy"), (event) => this.copy(event.target, text), { class: "quiet" })), el("pre", { tabindex: 0 }, text));
    fill(this.body, block(tell("takeCommand"), found.command), block(tell("takePython"), found.python),
      el("p", { class: "buttons" }, press(tell("takeScript"), () => this.hand(side, `script?steps=${steps}`, "gan.py")), press(tell("takeData"), () => this.hand(side, "data", "data.txt"))),
      this.status, el("p", { class: "note" }, tell("takeRun")));
  }

  async hand(side, which, called) {
    try {
      const href = URL.createObjectURL(await this.table.alive(side, (id) => source().learnFile(id, which)));
      el("a", { href, download: called }).click();
      setTimeout(() => URL.revokeObjectURL(href), 10000);
      fill(this.status, say("downloaded", { name: called }));
    } catch (refusal) {
      fill(this.status, el("span", { class: "bad" }, refusal.message || say("serverGone")));
    }
  }

  async copy(button, text) {
    const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    fill(button, tell(done ? "copied" : "copyFailed"));
    setTimeout(() => fill(button, tell("copy")), 1500);
  }
}
