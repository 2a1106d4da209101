// This step: the tensors that flowed, the losses with their numbers, and how far the weights moved. Pointing at one lights
// up in the drawing what it belongs to; pressing it keeps that.

import { el, fill } from "../dom.js";
import { figure, whole } from "../numbers.js";
import { tell } from "./texts.js";

const PARTS = { z: "map", x_fake: "fake", x_real: "real", "D(x_real)": "d real", "D(x_fake)": "d fake" };

/** The panel of one side. lights(parts): lights up parts of its drawing. */
export class StepPanel {
  constructor(lights) {
    this.lights = lights;
    this.pinned = null;
    this.body = el("ol", { class: "flow" });
    this.title = el("h2", {}, tell("thisStep"));
    this.element = el("section", { class: "panel thisstep" }, this.title, el("p", { class: "note" }, tell("thisStepNote")), this.body);
  }

  show(side) {
    const { turn, settings, dim, picture } = side;
    const focused = document.activeElement?.dataset?.row;
    this.title.textContent = turn ? tell("thisStepOf", { step: whole(picture.step), who: tell(`who_${turn.who}`) }) : tell("thisStep");
    if (!turn) return void fill(this.body, el("li", { class: "note" }, tell("noStepYet", { batch: settings.batch, latents: settings.latents || dim, dim })));
    const tensor = Object.fromEntries(turn.tensors.map((t) => [t.name, t]));
    const shape = (t) => el("span", { class: "shape" }, `[${t.shape.join(", ")}]`);
    const line = (name, after = null) => this.row(name, PARTS[name], el("b", { class: "tensor" }, name), shape(tensor[name]), after, el("span", { class: "values" }, `${tensor[name].values.slice(0, name.startsWith("x") ? 3 : 2).map(figure).join("  ")} …`));
    const loss = (who, formula, parts) => formula && this.row(`loss${who}`, parts, el("b", { class: "tensor" }, tell("lossOf", { who })), el("span", { class: "formula" }, formula.replace(/ = (\S+) = \1$/, " = $1")));
    const scored = (name) => el("span", { class: "note" }, tell("meanScore", { mean: figure(tensor[name].mean) }));
    fill(this.body,
      el("li", {}, el("h3", {}, tell("flow_draw")), line("z", el("span", { class: "note" }, "→ G →")), line("x_fake"), line("x_real")),
      el("li", {}, el("h3", {}, tell("flow_judge")), line("D(x_real)", scored("D(x_real)")), line("D(x_fake)", scored("D(x_fake)"))),
      el("li", {}, el("h3", {}, tell("flow_loss")), loss("D", turn.d_formula, "d real fake"), turn.penalty > 0 && settings.penalty !== "none" && this.row("penalty", "d", el("b", { class: "tensor" }, tell("penaltyOf")), el("span", { class: "formula" }, `${settings.weight} · ${figure(turn.penalty)} = ${figure(settings.weight * turn.penalty)}`)), loss("G", turn.g_formula, "push fake")),
      el("li", {}, el("h3", {}, tell("flow_move")), this.moved(turn.moved)));
    this.mark();
    if (focused) this.body.querySelector(`[data-row="${focused}"]`)?.focus();
  }

  row(name, parts, ...children) {
    const over = () => this.lights(parts);
    const out = () => this.lights(this.pinned?.parts || "");
    const pin = () => {
      this.pinned = this.pinned?.name === name ? null : { name, parts };
      this.mark();
      this.lights(this.pinned?.parts || "");
    };
    return el("button", { type: "button", class: "flowrow", "data-row": name, onpointerenter: over, onfocus: over, onpointerleave: out, onblur: out, onclick: pin }, children);
  }

  mark() {
    for (const row of this.body.querySelectorAll("[data-row]")) row.setAttribute("aria-pressed", String(this.pinned?.name === row.dataset.row));
  }

  /** A bar for each layer; weights and biases of one together. */
  moved(entries) {
    const layers = new Map();
    for (const { layer, by, of } of entries) {
      const name = layer.replace(/\.(weight|bias)$/, "");
      const sum = layers.get(name) || { by: 0, of: 0 };
      layers.set(name, { by: sum.by + by * by, of: sum.of + of * of });
    }
    const most = Math.sqrt(Math.max(...[...layers.values()].map((l) => l.by))) || 1;
    return ["D", "G"].map((who) => {
      const own = [...layers].filter(([name]) => name.startsWith(`${who}.`));
      const total = Math.sqrt(own.reduce((sum, [, l]) => sum + l.by, 0));
      return this.row(`moved${who}`, who === "D" ? "d" : "map fake", el("b", { class: "tensor" }, who), el("span", { class: "note" }, total ? tell("movedBy", { by: figure(total) }) : tell("stoodStill")),
        el("span", { class: "bars" }, own.map(([name, l]) => {
          const bar = el("i", { class: `moved ${who}` });
          bar.style.width = `${(100 * Math.sqrt(l.by)) / most}%`;
          return el("span", { class: "barline", title: name }, el("span", { class: "layer" }, name.slice(2)), el("span", { class: "track" }, bar), el("span", { class: "amount" }, figure(Math.sqrt(l.by))));
        })));
    });
  }
}
