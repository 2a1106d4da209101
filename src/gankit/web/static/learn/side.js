// One side of the table as it is seen: its knobs, the drawing, a sentence on how it stands, this step.

import { el, fill, write } from "../dom.js";
import { figure, percent, whole } from "../numbers.js";
import { Knobs } from "./knobs.js";
import { NumberFigure } from "./numberfigure.js";
import { PairFigure } from "./pairfigure.js";
import { StepPanel } from "./step.js";
import { tell } from "./texts.js";

const EARLY_STEPS = 30;

/** The name of what is happening, by the alarms of every training and by what is shown on purpose. */
export function captionOf(side, table) {
  const { caption, step } = side.picture;
  if (caption === "collapse" && step < EARLY_STEPS) return "early"; // an untrained G spreads its fakes little
  return caption === "collapse" && table.show === "underfitting" && side.letter === "A" ? "underfitting" : caption;
}

/** What is happening, in a sentence with its numbers. */
export function captionText(side, table) {
  const { scores, distance, records } = side.picture;
  const p = (share) => percent(share);
  return tell(`caption_${captionOf(side, table)}`, {
    right: p(scores.accuracy_heldout), train: p(scores.recall_train), heldout: p(scores.recall_heldout), fake: p(scores.recall_fake), trainRight: p(scores.accuracy_train),
    distance: figure(distance.fake), floor: figure(distance.real), records: whole(records.train), width: side.settings.width,
  });
}

/** A side. table: the game; letter: A or B; lone: whether it is the only one. */
export class SideView {
  constructor(table, letter, lone, dim) {
    Object.assign(this, { table, letter, dim });
    this.figure = dim === 1 ? new NumberFigure() : new PairFigure();
    this.step = new StepPanel((parts) => this.figure.light(parts));
    this.knobs = new Knobs(table.about, !lone && table.show !== null, (key, value) => table.restart({ [letter]: { [key]: value } }));
    this.facts = el("p", { class: "facts1" });
    this.caption = el("p", { class: "caption", "aria-live": "polite" });
    const name = !lone && el("h2", { class: "sidename" }, el("span", { class: "letter" }, letter), " ", tell(`side_${letter}`));
    this.game = el("section", { class: "panel game", "aria-label": lone ? tell("theGame") : tell("theGameOf", { letter }) }, name, this.knobs.element, this.facts, this.caption, this.figure.element);
  }

  /** all: also what is read rather than watched. */
  show(all) {
    const side = this.table.sides.find((s) => s.letter === this.letter);
    const other = this.table.sides.find((s) => s.letter !== this.letter);
    const { picture } = side;
    if (all) this.knobs.show(side.settings, other ? other.settings : this.table.defaults);
    this.figure.show(picture);
    write(this.facts, tell("sideFacts", { step: whole(picture.step), samples: whole(picture.samples), epoch: (picture.samples / picture.records.train).toFixed(1), fed: side.fed }) + (picture.projected ? ` ${tell("projected")}` : ""));
    this.caption.setAttribute("aria-live", this.table.playing ? "off" : "polite");
    const key = captionOf(side, this.table);
    this.caption.className = `caption ${["even", "learning", "start", "early"].includes(key) ? "calm" : "odd"}`;
    const told = captionText(side, this.table);
    if (this.caption.textContent !== told) fill(this.caption, told);
    if (all) this.step.show(side);
  }
}
