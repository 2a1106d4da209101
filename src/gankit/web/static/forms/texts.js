// Texts: the fakes in a list that keeps its height, held-out ones beside it.

import { el, fill, roving, write } from "../dom.js";
import { say } from "../words.js";

const MOST_TEXTS = 40;

/** Texts of a preview. view: {labelled, pick}. */
export class TextsForm {
  constructor(view) {
    this.view = view;
    this.fakes = el("ol", { class: "texts fake", "aria-label": say("fakes") });
    this.real = el("ol", { class: "texts real", tabindex: 0, "aria-label": say("heldoutRecords") });
    this.rows = [];
    this.element = el("div", { class: "pairs" }, el("div", {}, el("h3", { class: "fake" }, say("fakes")), this.fakes), el("div", {}, el("h3", { class: "real" }, say("heldoutRecords")), this.real));
    roving(this.fakes, () => 1);
  }

  show({ record }, real) {
    const texts = record.texts.slice(0, MOST_TEXTS);
    if (this.rows.length !== texts.length) {
      this.rows = texts.map((_, i) => (this.view.pick ? el("button", { type: "button", "data-roving": true, tabindex: i ? -1 : 0, "aria-describedby": null, onclick: () => this.view.pick(i) }) : el("div")));
      fill(this.fakes, this.rows.map((row) => el("li", {}, row)));
    }
    texts.forEach((text, i) => {
      write(this.rows[i], text || "␣");
      this.rows[i].title = text;
    });
    if (real && real !== this.known) {
      this.known = real;
      fill(this.real, real.texts.slice(0, texts.length).map((text) => el("li", { title: text }, text || "␣")));
    }
  }

  mark(index) {
    this.rows.forEach((row, i) => row.classList.toggle("picked", i === index));
  }
}
