// The fake that was clicked beside its nearest training and nearest held-out record: is it a copy?

import { el, fill, onColours } from "../dom.js";
import { drawRecord, recordAt } from "../forms/record.js";
import { asRows } from "../forms/rows.js";
import { figure } from "../numbers.js";
import { change, state } from "../state.js";
import { say } from "../words.js";
import { fromNoise } from "./noise.js";

/** The panel of neighbours of the fake `pick` of the state. */
export class NeighboursPanel {
  constructor(run) {
    this.run = run;
    this.body = el("div", { class: "neighbours", "aria-live": "polite" });
    const close = el("button", { type: "button", class: "quiet", onclick: () => change({ pick: null }, true) }, say("close"));
    const turn = (by, sign, key) => el("button", { type: "button", class: "quiet", "aria-label": say(key), title: say(key), onclick: () => this.turn(by) }, sign);
    this.title = el("h2", { id: "near-title" });
    this.element = el("section", { class: "panel", "aria-labelledby": "near-title", hidden: true }, el("div", { class: "between" }, this.title, el("div", { class: "buttons" }, turn(-1, "◀", "fakeBefore"), turn(1, "▶", "fakeAfter"), close)), this.body);
    this.shown = null;
    onColours(() => this.paints?.forEach((paint) => paint()));
  }

  /** To the fake before or after. */
  turn(by) {
    const count = this.run.previews.count || 1;
    change({ pick: (Number(state().pick) + by + count) % count }, true);
  }

  update() {
    const { previews, clock, name, from } = this.run;
    const pick = state().pick === undefined || from.saved ? null : Number(state().pick);
    this.element.hidden = pick === null;
    const step = previews.step(clock.at);
    const key = `${pick} ${step}`;
    if (pick === null || step === null || key === this.shown) return;
    this.shown = key;
    this.title.textContent = say("neighboursOf", { n: pick + 1 });
    if (!this.body.firstChild) fill(this.body, el("p", { class: "empty" }, say("lookingFor")));
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      let answer;
      try {
        answer = await from.neighbours(name, step, pick);
      } catch (refusal) {
        if (this.shown === key) fill(this.body, el("p", { class: "empty" }, refusal.message || say("serverGone")));
        return;
      }
      if (this.shown !== key) return;
      this.draw(answer, previews.closest(step), pick);
      const strip = await fromNoise(this.run, pick, step, this.paints);
      if (strip && this.shown === key) this.body.append(strip);
    }, 120);
  }

  draw(answer, found, pick) {
    this.paints = [];
    const sides = [["fake", null, found && recordAt(this.run.about, found.record, pick)], ["train", answer.train?.distance, answer.train?.record], ["heldout", answer.heldout?.distance, answer.heldout?.record]];
    const heads = { fake: say("thisFake"), train: say("nearestTraining"), heldout: say("nearestHeldout") };
    const far = (d) => (d === null || d === undefined ? null : el("span", { class: "score" }, say("distance", { d: figure(d) })));
    const whole = sides.every(([, , record]) => record && typeof record === "object" && (record.rows || record.x) && this.run.previews.form !== "lines");
    const measure = answer.measure && el("p", { class: "note" }, say("measuredBy", { measure: answer.measure }));
    if (whole) return fill(this.body, this.table(sides, heads), measure);
    fill(this.body, measure, el("div", { class: "three" }, sides.map(([side, d, record]) => el("figure", { class: side }, el("figcaption", {}, el("span", { class: side === "fake" ? "fake" : "real" }, heads[side]), far(d)), record ? drawRecord(this.run, record, side === "fake" ? "--fake" : "--real", this.paints) : el("p", { class: "note" }, "–")))));
  }

  table(sides, heads) {
    const rows = sides.map(([, , record]) => asRows(record, this.run.about));
    const filled = new Set((this.run.about.columns || []).filter((c) => c.kind === "identifier").map((c) => c.name));
    const names = rows[0].columns;
    const text = (cell) => (typeof cell === "number" ? figure(cell) : cell === null || cell === undefined || cell === "" ? "∅" : cell);
    return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": say("neighbours") }, el("table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span", { class: "hidden" }, say("neighbours"))), el("th", { class: "n", scope: "col" }, say("distanceHead")), names.map((n) => el("th", { scope: "col" }, n)))),
      el("tbody", {}, sides.map(([side, d], i) => el("tr", {}, el("th", { scope: "row", class: side === "fake" ? "fake" : "real" }, heads[side]), el("td", { class: "n" }, d === null || d === undefined ? "" : figure(d)), rows[i].rows[0].map((cell, k) => filled.has(names[k]) ? el("td", { title: say("filledIn") }, "–") : el("td", { class: i && text(cell) === text(rows[0].rows[0][k]) ? "equal" : null }, text(cell))))))));
  }
}
