// The knobs of one side. Changing one opens the lesson anew, from the same seed at step 0.

import { el, fill } from "../dom.js";
import { axisNumber } from "../numbers.js";
import { fieldOf } from "./parts.js";
import { tell } from "./texts.js";

const ORDER = ["loss", "penalty", "weight", "d_steps", "d_rate", "g_rate", "batch", "width", "depth", "latents", "records", "seed"];

/** The knobs of a side. closed: only those that differ are named at first. turned(key, value): what to do. */
export class Knobs {
  constructor(about, closed, turned) {
    this.about = about;
    this.turned = turned;
    this.inputs = Object.fromEntries(ORDER.map((key) => [key, this.input(key)]));
    this.note = el("p", { class: "note bad", role: "status" });
    this.differing = el("span", { class: "note" });
    this.fields = el("div", { class: "knobs" }, ORDER.map((key) => fieldOf(tell(`knob_${key}`), this.inputs[key], { title: tell(`about_${key}`) })));
    this.element = el("details", { class: "part knobbox", open: !closed && matchMedia("(min-width: 62rem)").matches }, el("summary", {}, tell("knobs"), " ", this.differing), this.fields, this.note);
  }

  input(key) {
    const kinds = { loss: this.about.losses, penalty: this.about.penalties };
    if (kinds[key]) {
      const choice = el("select", { onchange: () => this.turned(key, choice.value) }, kinds[key].map((name) => el("option", { value: name }, tell(`${key}_${name}`, {}, name))));
      return choice;
    }
    const [low, high] = this.about.bounds[key];
    const fraction = key === "weight" || key.endsWith("rate");
    const field = el("input", { type: "number", inputmode: fraction ? "decimal" : "numeric", min: low, max: high, step: fraction ? "any" : 1, onchange: () => this.typed(key, field, fraction) });
    return field;
  }

  typed(key, field, fraction) {
    const value = Number(field.value);
    const [low, high] = this.about.bounds[key];
    const fine = field.value !== "" && value >= low && value <= high && (fraction || Number.isInteger(value));
    field.setAttribute("aria-invalid", String(!fine));
    fill(this.note, !fine && tell(fraction ? "bounds" : "boundsWhole", { name: tell(`knob_${key}`), low: axisNumber(low), high: high > 1e6 ? String(high) : axisNumber(high) }));
    if (fine) this.turned(key, value);
  }

  /** Shows a side's settings, and marks those that differ from `others`. */
  show(settings, others) {
    const marked = [];
    for (const key of ORDER) {
      const input = this.inputs[key];
      if (document.activeElement !== input || input.tagName === "SELECT") input.value = settings[key];
      const differs = settings[key] !== others[key];
      input.closest(".field").classList.toggle("differs", differs);
      if (differs) marked.push(`${tell(`knob_${key}`)} ${typeof settings[key] === "string" ? tell(`${key}_${settings[key]}`, {}, settings[key]) : axisNumber(settings[key])}`);
    }
    fill(this.differing, marked.join(", "));
  }
}
