// The head of a run: what it is, how it stands, and what can be done with it; what was decided, folded below.

import { el, fill } from "../dom.js";
import { duration, percent, whole } from "../numbers.js";
import { kindName, say, stateName } from "../words.js";
import { askToStop } from "./dialog.js";
import { askToSample } from "./sample.js";

/** A pill with a run's state; the shape tells it apart as well as the colour. */
export function statePill(summary) {
  const signs = { running: "▶", finished: "✓", stopped: "■", failed: "✕", new: "…" };
  const done = summary.done ?? 0;
  const text = summary.state === "running" ? say("runningAt", { done: percent(Math.min(1, done)) }) : stateName(summary.state);
  const left = summary.state === "running" && summary.seconds_left !== null && summary.seconds_left !== undefined;
  return [el("span", { class: `chip state ${summary.state}` }, el("span", { "aria-hidden": "true" }, `${signs[summary.state] || "?"} `), text), left && el("span", { class: "note left" }, say("left", { time: duration(summary.seconds_left) }))];
}

/** What a run was made of, in a line. */
export function facts(summary) {
  const records = summary.records;
  return [
    summary.kind && kindName(summary.kind),
    records && say("recordsOf", { n: whole((records.train || 0) + (records.heldout || 0)), noun: summary.noun?.[1] || say("records") }),
    summary.columns?.length > 1 && say("columnsOf", { n: summary.columns.length }),
    summary.network,
    summary.seed !== null && summary.seed !== undefined && say("seedOf", { seed: summary.seed }),
  ].filter(Boolean).join(" · ");
}

/** The head of a run's page. */
export class HeadPanel {
  constructor(run) {
    this.run = run;
    this.line = el("p", { class: "lead" });
    this.state = el("div", { class: "states" });
    this.why = el("p", { class: "warn", hidden: true });
    this.title = el("h1", {}, run.name);
    this.buttons = el("div", { class: "buttons" });
    this.element = el("header", { class: "head" }, el("div", {}, this.title, this.line), this.state, this.buttons, this.why);
    this.made = "";
  }

  update() {
    const { summary, name, from } = this.run;
    fill(this.line, [summary.data, facts(summary)].filter(Boolean).join(" · "));
    fill(this.state, statePill(summary));
    const stopped = summary.state === "stopped" && summary.why;
    this.why.hidden = summary.state !== "failed" && !stopped;
    this.why.classList.toggle("mild", Boolean(stopped));
    this.why.textContent = stopped ? summary.why : say("failedWhy", { why: summary.why || say("unknown") });
    document.title = `${summary.state === "running" && summary.total_samples ? `${percent(summary.done ?? 0)} ` : ""}${name} · gankit`;
    if (from.saved) return;
    const running = summary.state === "running";
    const key = `${summary.state} ${summary.report} ${this.run.asked}`;
    if (key === this.made) return;
    this.made = key;
    fill(this.buttons,
      (running || summary.state === "new") && el("button", { type: "button", disabled: this.run.asked, onclick: () => askToStop(this.run) }, this.run.asked ? say("stopAsked") : say("stop")),
      summary.state !== "new" && el("button", { type: "button", onclick: () => askToSample(this.run) }, say("sample")),
      summary.report && el("a", { class: "button", href: from.reportAddress(name), target: "_blank", rel: "noopener" }, say("report")),
      summary.state !== "new" && el("a", { class: "button", href: from.replayAddress(name), download: true }, say("saveReplay")));
  }
}

/** Command, notes and settings, folded. */
export function decisions(summary) {
  const settings = Object.entries(summary.settings || {});
  if (!summary.command && !settings.length && !summary.notes?.length) return null;
  return el("details", { class: "panel part" }, el("summary", {}, say("howItWasMade")),
    summary.command && el("p", {}, el("code", { class: "command" }, summary.command)),
    settings.length > 0 && el("dl", { class: "facts" }, settings.map(([name, value]) => [el("dt", {}, name), el("dd", {}, setting(value))])),
    summary.notes?.length > 0 && el("ul", {}, summary.notes.map((note) => el("li", { class: "note" }, note))));
}

/** A setting as text. */
export function setting(value) {
  if (value === null || value === undefined || (Array.isArray(value) && !value.length)) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
