// Rows of a table and vectors of many numbers: the columns furthest off, pairs of them, and the rows themselves.

import { el, fill, roving, write } from "../dom.js";
import { figure } from "../numbers.js";
import { say } from "../words.js";
import { columnsOf, marginal, pairing, pairsOf } from "./columns.js";

const SHOWN_ROWS = 12;
const SHOWN_COLUMNS = 4;
const SHOWN_PAIRS = 2;

/** A preview of vectors [[number]] as rows with named columns. */
export function asRows(record, about) {
  if (record.rows) return record;
  const names = (about.columns || []).map((c) => c.name);
  const wide = record.x[0]?.length || 0;
  return { columns: Array.from({ length: wide }, (_, k) => names[k] ?? `x${k + 1}`), rows: record.x };
}

const cellText = (cell) => (cell === null || cell === "" ? "∅" : typeof cell === "number" ? figure(cell) : cell);

/** A table of rows, for the neighbours and the fakes: its head, and body rows. */
export function tableOf(columns, rows, caption) {
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    el("table", {}, el("thead", {}, el("tr", {}, columns.map((name) => el("th", { scope: "col", title: name }, name)))), el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cellText(cell))))))));
}

/** Rows of a preview. view: {about, labelled, pick}. */
export class RowsForm {
  constructor(view) {
    this.view = view;
    this.drawings = el("div", { class: "marginals" });
    this.body = el("tbody");
    this.head = el("tr");
    this.chosen = null;
    this.kinds = Object.fromEntries((view.about.columns || []).map((c) => [c.name, c.kind]));
    this.again = el("button", { type: "button", class: "quiet", onclick: () => this.choose() }, say("chooseAgain"));
    this.element = el("div", {},
      el("div", { class: "between" }, el("ul", { class: "keys" }, el("li", {}, el("span", { class: "swatch real" }), say("real")), el("li", {}, el("span", { class: "swatch fake" }), say("fake")), el("li", {}, say("gapNote"))), this.again),
      this.drawings,
      el("div", { class: "scroll rows", tabindex: 0, role: "region", "aria-label": `${say("fakeRows")}: ${view.about.name}` }, el("table", {}, el("thead", {}, this.head), this.body)));
    this.rules = el("p", { class: "note", hidden: true });
    this.drawings.after(this.rules);
    roving(this.body, () => 1);
  }

  show({ record }, real) {
    this.fakes = asRows(record, this.view.about);
    this.real = real ? asRows(real, this.view.about) : null;
    if (this.real) {
      this.columns = columnsOf(this.real, this.fakes, this.kinds);
      if (!this.chosen) this.choose();
      else this.draw();
    }
    const rules = Object.entries(record.broken || {});
    const broken = rules.filter(([, share]) => share > 0).sort((a, b) => b[1] - a[1]);
    const list = broken.slice(0, 6).map(([rule, share]) => `${rule} ${figure(100 * share)} %`).join("; ");
    this.rules.hidden = !rules.length;
    write(this.rules, broken.length ? say("brokenRules", { list }) : say("noBroken", { n: rules.length }));
    this.again.hidden = !this.real || this.fakes.columns.length <= SHOWN_COLUMNS;
    this.table();
  }

  /** Chooses the columns and pairs that are furthest off now; they stay while the time bar moves, so that nothing jumps. */
  choose() {
    const order = this.columns.map((c, k) => [c.gap, k]).sort((a, b) => b[0] - a[0]);
    this.chosen = {
      columns: order.slice(0, SHOWN_COLUMNS).map(([, k]) => k),
      pairs: pairsOf(this.columns, SHOWN_PAIRS).map(([a, b]) => [this.columns.indexOf(a), this.columns.indexOf(b)]),
    };
    this.draw();
  }

  draw() {
    fill(this.drawings, this.chosen.columns.map((k) => marginal(this.columns[k])), this.chosen.pairs.map(([a, b]) => pairing(this.columns[a], this.columns[b])));
  }

  table() {
    const { columns, rows } = this.fakes;
    const shown = rows.slice(0, SHOWN_ROWS);
    if (this.body.children.length !== shown.length || this.head.children.length !== columns.length + 1) {
      fill(this.head, el("th", { scope: "col" }, "#"), columns.map((name) => el("th", { scope: "col", title: name }, name)));
      fill(this.body, shown.map((row, i) => el("tr", {}, el("th", { scope: "row" }, this.button(i)), row.map(() => el("td")))));
    }
    shown.forEach((row, i) => row.forEach((cell, k) => write(this.body.children[i].children[k + 1], String(cellText(cell)))));
  }

  button(i) {
    if (!this.view.pick) return String(i + 1);
    return el("button", { type: "button", class: "quiet", "data-roving": true, tabindex: i ? -1 : 0, "aria-label": this.view.labelled(i), onclick: () => this.view.pick(i) }, i + 1);
  }

  mark(index) {
    [...this.body.children].forEach((row, i) => row.classList.toggle("picked", i === index));
  }
}
