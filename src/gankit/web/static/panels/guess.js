// You are D, on a run's previews: ten records, real or fake? Then one's scores beside D's at that step.

import { el, fill, onColours } from "../dom.js";
import { drawRecord, recordAt, recordsIn } from "../forms/record.js";
import { asRows } from "../forms/rows.js";
import { count, figure } from "../numbers.js";
import { say } from "../words.js";
import { evaluationAt } from "./happening.js";
import { judged, scoreTable } from "./judged.js";

const GUESSES = 10;
const MOST_COLUMNS = 30;

/** The panel of the player of a run. */
export class GuessPanel {
  constructor(run) {
    this.run = run;
    this.body = el("div", { class: "guesses" });
    this.element = el("details", { class: "panel part guess", hidden: true }, el("summary", {}, say("youAreDRun")), this.body);
    this.paints = [];
    this.begin(true);
    onColours(() => this.paints.forEach((paint) => paint()));
  }

  /** It can be played where there are fakes and real records to show. */
  update() {
    this.element.hidden = !(this.run.real && this.run.previews.closest(this.run.clock.at));
  }

  begin(first = false) {
    const start = el("button", { type: "button", class: "primary", onclick: () => this.play() }, say(first ? "guessBegin" : "guessAgain"));
    if (first) fill(this.body, el("p", { class: "note" }, say("guessNote")), start);
    return start;
  }

  play() {
    const { run } = this;
    run.clock.pause();
    const found = run.previews.closest(run.clock.at);
    this.at = found.samples;
    const from = (record) => {
      const all = Array.from({ length: recordsIn(run.about, record, run.previews.count) }, (_, i) => i);
      return () => recordAt(run.about, record, all.splice(Math.floor(Math.random() * all.length), 1)[0]);
    };
    const [real, fake] = [from(run.real), from(found.record)];
    const most = Math.min(recordsIn(run.about, run.real, run.previews.count), recordsIn(run.about, found.record, run.previews.count), GUESSES);
    this.items = Array.from({ length: most }, () => Math.random() < 0.5).map((isReal) => ({ real: isReal, record: isReal ? real() : fake() }));
    this.calls = [];
    this.ask();
  }

  ask() {
    const k = this.calls.length;
    const item = this.items[k];
    if (!item) return this.end();
    const button = (isReal) => el("button", { type: "button", onclick: () => {
      this.calls.push([isReal, item.real]);
      this.ask();
    } }, say(isReal ? "guessReal" : "guessFake"));
    const last = this.calls[k - 1];
    const buttons = [button(true), button(false)];
    this.paints = [];
    fill(this.body, el("p", { class: "status", role: "status" }, last && say(last[0] === last[1] ? "guessRight" : "guessWrong", { which: say(last[1] ? "real" : "fake") })), el("p", {}, say("guessOf", { k: k + 1, n: this.items.length })),
      this.drawing(item.record), el("div", { class: "buttons" }, buttons));
    if (k) buttons[0].focus({ preventScroll: true });
  }

  drawing(record) {
    const { about, previews } = this.run;
    if (record.sheet || record.texts || previews.form === "lines") return drawRecord(this.run, record, "--ink", this.paints);
    const { columns, rows } = asRows(record, about);
    return el("dl", { class: "facts" }, columns.slice(0, MOST_COLUMNS).map((name, i) => [el("dt", {}, name), el("dd", {}, typeof rows[0][i] === "number" ? figure(rows[0][i]) : rows[0][i] ?? "∅")]));
  }

  end() {
    const seen = evaluationAt(this.run.curves, this.at);
    const rows = [[say("guessYou"), judged(this.calls)]];
    if (seen && seen.accuracy_heldout !== null) rows.push(["D", { accuracy: seen.accuracy_heldout, precision: seen.precision_heldout, recall: seen.recall_heldout }]);
    fill(this.body, el("p", { role: "status" }, say("guessDone", { at: count(this.at) })), scoreTable(rows), this.begin());
  }
}
