// The curves of a lesson over its steps: the losses, what D calls real, and how far fakes are from held-out data.

import { Chart, ChartGroup } from "../curves.js";
import { el } from "../dom.js";
import { say } from "../words.js";
import { tell } from "./texts.js";

const EVEN = { minimax: [["2 ln 2", 2 * Math.LN2], ["−ln 2", -Math.LN2]], nonsaturating: [["2 ln 2", 2 * Math.LN2]], relativistic: [] };

/** The curves of the sides of a table. */
export class HistoryPanel {
  constructor(sides) {
    this.group = new ChartGroup({ pick() {}, zoom() {}, reset() {} });
    this.rows = sides.map((side) => ({ letter: side.letter, charts: this.charts(side) }));
    const lone = sides.length === 1;
    this.element = el("section", { class: "panel curves", "aria-label": say("curves") }, this.rows.map((row) => [!lone && el("h3", {}, el("span", { class: "letter" }, row.letter)), el("div", { class: "charts" }, row.charts.map((c) => c.element))]));
  }

  charts(side) {
    const { loss } = side.settings;
    const even = EVEN[loss];
    const share = (key, look) => ({ key: `recall_${key}`, label: say(look), look, marks: look });
    const specs = [
      { part: "losses", title: say("losses"), note: tell("lossesNoteHere"), series: [{ key: "d_loss", label: "D", look: "d" }, { key: "g_loss", label: "G", look: "fake" }, ...(even || []).map(([label]) => ({ key: label, label, look: "reference" }))], line: even && loss !== "minimax" ? { y: Math.LN2, label: "ln 2", near: true } : undefined },
      { part: "scores", title: say("dCallsReal"), note: say("dCallsRealNote"), series: [share("train", "train"), share("heldout", "heldout"), share("fake", "fake")], share: true, line: { y: 0.5, label: "" } },
      { part: "distance", title: tell("distanceTitle"), note: tell("distanceNote"), series: [{ key: "fake", label: say("fake"), look: "fake", marks: "fake" }, { key: "real", label: tell("distanceReal"), look: "heldout" }] },
    ];
    return specs.map((spec) => {
      const chart = Object.assign(new Chart(this.group, spec), { even });
      chart.element.dataset.chart = spec.part;
      chart.element.tabIndex = -1;
      return chart;
    });
  }

  show(sides) {
    const end = Math.max(10, ...sides.map((s) => s.history[s.history.length - 1].step));
    for (const { letter, charts } of this.rows) {
      const { history } = sides.find((s) => s.letter === letter);
      const of = (key) => history.map((p) => p[key] ?? null);
      const ys = { fake: history.map((p) => p.distance.fake), real: history.map((p) => p.distance.real) };
      for (const key of ["d_loss", "g_loss", "recall_train", "recall_heldout", "recall_fake"]) ys[key] = of(key);
      for (const [label, value] of charts[0].even || []) ys[label] = history.map(() => value);
      for (const chart of charts) chart.show({ x: of("step"), ys, domain: [0, end], begin: 0, events: [] });
    }
    this.group.now(null);
  }

  /** Brings a chart into sight and marks it for a moment. */
  point(part) {
    const chart = this.element.querySelector(`[data-chart="${part}"]`);
    chart.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    chart.classList.add("meant");
    setTimeout(() => chart.classList.remove("meant"), 2500);
  }
}
