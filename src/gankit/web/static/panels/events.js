// What happened, as a list: alarms with what to do about them, roll-backs, the best step, plans and the end.

import { el, fill } from "../dom.js";
import { count } from "../numbers.js";
import { change, joined, listed } from "../state.js";
import { said } from "../said.js";
import { say } from "../words.js";

const MOST_LISTED = 100;

/** The list of a run's events; one that is chosen moves the time bar. */
export class EventsPanel {
  constructor(run) {
    this.run = run;
    this.summaryText = el("summary");
    this.list = el("ol", { class: "events" });
    this.element = el("details", { class: "panel part" }, this.summaryText, this.list);
    this.element.addEventListener("toggle", () => {
      const others = listed("panels").filter((p) => p !== "events");
      change({ panels: joined(this.element.open ? [...others, "events"] : others) });
      this.update();
    });
  }

  update() {
    const { clock } = this.run;
    const grouped = repeated(clock.events);
    this.summaryText.textContent = say("eventsOf", { n: clock.events.length });
    this.element.hidden = !clock.events.length;
    const open = listed("panels").includes("events");
    if (this.element.open !== open) this.element.open = open;
    const key = `${open} ${clock.events.length}`;
    if (key === this.drawn) return;
    this.drawn = key;
    if (!open) return fill(this.list);
    fill(this.list, grouped.slice(-MOST_LISTED).reverse().map((e) => el("li", {},
      el("button", { type: "button", class: "quiet", onclick: () => clock.go(e.samples, true) }, e.times > 1 ? `${count(e.samples)} … ${count(e.until)}` : count(e.samples)),
      el("div", {}, el("span", { class: `chip ${e.kind}` }, say(`event_${e.kind}`)), " ", said(e.text), e.times > 1 ? ` (×${e.times})` : "", e.remedy && el("p", { class: "note" }, said(e.remedy))))));
  }
}

/** Events that say the same one after the other, as one that says how often; numbers in the texts may differ. */
function repeated(events) {
  const out = [];
  const alike = (text) => text.replace(/\d+(\.\d+)?/g, "#");
  for (const e of events) {
    const before = [...out].reverse().find((o) => o.kind === e.kind && alike(o.text) === alike(e.text));
    if (before && e.kind === "alarm") Object.assign(before, { until: e.samples, times: before.times + 1, text: e.text });
    else out.push({ ...e, until: e.samples, times: 1 });
  }
  return out;
}
