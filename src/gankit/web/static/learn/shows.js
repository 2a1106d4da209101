// "Show me": what goes wrong on purpose, and its cure beside it.

import { el, write } from "../dom.js";
import { press } from "./parts.js";
import { tell } from "./texts.js";

/** The panel of what can go wrong. */
export class ShowsPanel {
  constructor(table) {
    this.table = table;
    this.buttons = table.about.shows.map((s) => press(tell(`show_${s.name}`), () => table.demonstrate(s.name), { "data-show": s.name, "aria-pressed": "false" }));
    this.why = el("p", { class: "note" });
    this.cure = press(tell("cure"), () => table.cure(), { class: "primary" });
    this.element = el("section", { class: "panel shows", "aria-labelledby": "shows-title" }, el("h2", { id: "shows-title" }, tell("showMe")), el("div", { class: "buttons" }, this.buttons), this.why, this.cure);
  }

  show() {
    const { shown, sides } = this.table;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.show === shown?.name));
    const cured = shown && sides.length > 1;
    write(this.why, shown ? tell(`${cured ? "cured" : "why"}_${shown.name}`) : tell("showNote"));
    this.cure.hidden = !shown || cured;
    this.cure.disabled = this.table.planned; // it has not gone wrong yet
  }
}
