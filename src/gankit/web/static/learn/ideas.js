// The ideas of training, each in a few sentences with the numbers of this lesson, and a button to what they speak of.

import { el, write } from "../dom.js";
import { figure, percent, whole } from "../numbers.js";
import { press } from "./parts.js";
import { tell } from "./texts.js";

/** What each idea points at: a part of the drawing, or a chart. */
const IDEAS = [["batch", { parts: "real fake" }], ["epoch", { chart: "losses" }], ["init", { parts: "map" }], ["split", { chart: "scores" }], ["fit", { chart: "scores" }], ["stop", { chart: "distance" }]];

const NOTICED = 0.05; // of D's accuracy on training over that on held-out records

/** The panels of ideas. looks: {light(parts), chart(part), figure()}. */
export class IdeasPanel {
  constructor(table, looks) {
    this.table = table;
    this.texts = new Map();
    const one = ([name, target]) => {
      const text = el("p", {});
      this.texts.set(name, text);
      const point = () => {
        if (target.chart) return looks.chart(target.chart);
        looks.figure();
        looks.light(target.parts);
        setTimeout(() => looks.light(""), 2500);
      };
      return el("article", { class: "idea" }, el("h3", {}, tell(`idea_${name}`)), text, press(tell(target.chart ? "showCurve" : "showFigure"), point, { class: "quiet", "aria-label": `${tell(target.chart ? "showCurve" : "showFigure")}: ${tell(`idea_${name}`)}` }));
    };
    this.element = el("section", { class: "panel ideas", "aria-labelledby": "ideas-title" }, el("h2", { id: "ideas-title" }, tell("ideas")), el("div", { class: "ideagrid" }, IDEAS.map(one)));
  }

  show() {
    const [side] = this.table.sides;
    const { picture, settings, history } = side;
    const { records, scores, distance } = picture;
    const batch = Math.min(settings.batch, records.train);
    const best = history.reduce((a, b) => (b.distance.fake < a.distance.fake ? b : a));
    const values = {
      batch, step: whole(picture.step), samples: whole(picture.samples), train: whole(records.train), heldout: whole(records.heldout), perEpoch: whole(Math.floor(records.train / batch)), epochs: (picture.samples / records.train).toFixed(1),
      seed: settings.seed, latents: settings.latents || side.dim, callsTrain: percent(scores.recall_train), callsHeldout: percent(scores.recall_heldout), callsFake: percent(scores.recall_fake),
      rightTrain: percent(scores.accuracy_train), rightHeldout: percent(scores.accuracy_heldout), distance: figure(distance.fake), floor: figure(distance.real), best: figure(best.distance.fake), bestStep: whole(best.step),
    };
    const gap = scores.accuracy_train - scores.accuracy_heldout;
    const key = { fit: gap > NOTICED ? "fit" : "fitEven" };
    for (const [name, text] of this.texts) write(text, tell(`ideatext_${key[name] || name}`, values));
  }
}
