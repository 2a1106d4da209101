// The fake that was clicked beside its nearest training and nearest held-out record: is it a copy?

import { colour, el, fill, onColours } from "../dom.js";
import { tiles, tileSize } from "../forms/grid.js";
import { drawSeries, limits } from "../forms/lines.js";
import { asRows } from "../forms/rows.js";
import { figure } from "../numbers.js";
import { change, state } from "../state.js";
import { say } from "../words.js";

const LARGE = 150;

/** The panel of neighbours of the fake `pick` of the state. */
export class NeighboursPanel {
  constructor(run) {
    this.run = run;
    this.body = el("div", { class: "neighbours", "aria-live": "polite" });
    const close = el("button", { type: "button", class: "quiet", onclick: () => change({ pick: null }, true) }, say("close"));
    this.title = el("h2", { id: "near-title" });
    this.element = el("section", { class: "panel", "aria-labelledby": "near-title", hidden: true }, el("div", { class: "between" }, this.title, close), this.body);
    this.shown = null;
    onColours(() => this.paints?.forEach((paint) => paint()));
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
      if (this.shown === key) this.draw(answer, previews.closest(step), pick);
    }, 120);
  }

  draw(answer, found, pick) {
    this.paints = [];
    const sides = [["fake", null, found && this.own(found.record, pick)], ["train", answer.train?.distance, answer.train?.record], ["heldout", answer.heldout?.distance, answer.heldout?.record]];
    const heads = { fake: say("thisFake"), train: say("nearestTraining"), heldout: say("nearestHeldout") };
    const far = (d) => (d === null || d === undefined ? null : el("span", { class: "score" }, say("distance", { d: figure(d) })));
    const whole = sides.every(([, , record]) => record && typeof record === "object" && (record.rows || record.x) && this.run.previews.form !== "lines");
    const measure = answer.measure && el("p", { class: "note" }, say("measuredBy", { measure: answer.measure }));
    if (whole) return fill(this.body, this.table(sides, heads), measure);
    fill(this.body, measure, el("div", { class: "three" }, sides.map(([side, d, record]) => el("figure", { class: side }, el("figcaption", {}, el("span", { class: side === "fake" ? "fake" : "real" }, heads[side]), far(d)), record ? this.one(record, side) : el("p", { class: "note" }, "–")))));
  }

  /** The fake itself, cut out of its preview. */
  own(record, i) {
    if (record instanceof Image) {
      const [w, h] = tileSize(this.run.about.shape, record);
      return { sheet: record, at: tiles(record, w, h).at(i), size: [w, h] };
    }
    if (record.texts) return { texts: [record.texts[i]] };
    if (record.rows) return { columns: record.columns, rows: [record.rows[i]] };
    return { x: [record.x[i]] };
  }

  one(record, side) {
    const address = typeof record === "string" ? record : record.image || record.png;
    if (address) return el("img", { src: address.startsWith("data:") || address.startsWith("/") ? address : `data:image/png;base64,${address}`, alt: "", class: "large", width: LARGE });
    if (record.texts) return el("blockquote", {}, record.texts[0]);
    const canvas = el("canvas", { class: "large", "aria-hidden": "true" });
    const paint = record.sheet ? () => this.tile(canvas, record) : () => this.series(canvas, record.x[0], side === "fake" ? "--fake" : "--real");
    this.paints.push(paint);
    paint();
    return canvas;
  }

  tile(canvas, { sheet, at, size: [w, h] }) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${LARGE}px`;
    canvas.getContext("2d").drawImage(sheet, ...at, w, h, 0, 0, w, h);
  }

  series(canvas, series, name) {
    const scales = limits(this.run.real?.x || [series], Math.min(4, series[0]?.length || 1));
    const [wide, high] = [300, 60 + 50 * scales.length];
    canvas.width = wide * 2;
    canvas.height = high * 2;
    canvas.style.width = `${wide}px`;
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    context.strokeStyle = colour(name);
    context.lineWidth = 1.4;
    drawSeries(context, series, scales, series.length, 0, 0, wide, high);
  }

  table(sides, heads) {
    const rows = sides.map(([, , record]) => asRows(record, this.run.about));
    const names = rows[0].columns;
    const text = (cell) => (typeof cell === "number" ? figure(cell) : cell ?? "∅");
    return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": say("neighbours") }, el("table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span", { class: "hidden" }, say("neighbours"))), el("th", { class: "n", scope: "col" }, say("distanceHead")), names.map((n) => el("th", { scope: "col" }, n)))),
      el("tbody", {}, sides.map(([side, d], i) => el("tr", {}, el("th", { scope: "row", class: side === "fake" ? "fake" : "real" }, heads[side]), el("td", { class: "n" }, d === null || d === undefined ? "" : figure(d)), rows[i].rows[0].map((cell, k) => el("td", { class: i && text(cell) === text(rows[0].rows[0][k]) ? "equal" : null }, text(cell))))))));
  }
}
