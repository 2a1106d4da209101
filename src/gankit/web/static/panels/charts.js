// The curves of a run: small multiples over one axis of real samples shown. The most important are open, others under
// "details".

import { Chart, ChartGroup } from "../curves.js";
import { el } from "../dom.js";
import { change, joined, listed, state } from "../state.js";
import { metricName, say } from "../words.js";

const LN2 = Math.LN2;

const sides = (stem, fake) => [
  { key: `${stem}_train`, label: say("train"), look: "train", marks: "train" },
  { key: `${stem}_heldout`, label: say("heldout"), look: "heldout", marks: "heldout" },
  ...(fake ? [{ key: `${stem}_fake`, label: say("fake"), look: "fake", marks: "fake" }] : []),
];

/** What the charts show; `of` names the list of x: of every update, or of evaluations. */
function specifications(summary) {
  const one = (key, look, label = "") => [{ key, label, look }];
  return {
    open: [
      { of: "updates", title: say("losses"), note: say("lossesNote"), series: [{ key: "d_loss", label: "D", look: "d" }, { key: "g_loss", label: "G", look: "fake" }], line: { y: LN2, label: "ln 2", near: true }, settled: true },
      { of: "evaluations", title: say("dCallsReal"), note: say("dCallsRealNote"), series: sides("recall", true), share: true, line: { y: 0.5, label: "" } },
      { of: "evaluations", title: say("heldoutOf", { metric: metricName(summary.metric) }), note: [summary.metric?.name, say("heldoutNote")].filter(Boolean).join(". "), series: [{ key: "metric", label: "", look: "ink", marks: "ink" }], band: ["low", "high"] },
    ],
    details: [
      { of: "evaluations", title: say("accuracy"), note: say("accuracyNote"), series: sides("accuracy"), share: true, line: { y: 0.5, label: say("guessing") } },
      { of: "evaluations", title: say("precision"), note: say("precisionNote"), series: sides("precision"), share: true },
      { of: "evaluations", title: say("meanLogits"), series: sides("mean", true) },
      { of: "evaluations", title: say("memorised"), note: say("memorisedNote"), series: [{ key: "memorised", label: "", look: "heldout", marks: "heldout" }] },
      { of: "updates", title: say("gap"), note: say("gapOfMeans"), series: one("gap", "d") },
      { of: "updates", title: say("gradients"), series: [{ key: "d_gradient", label: "D", look: "gradient" }, { key: "g_gradient", label: "G", look: "gradient two" }], log: true, optional: true },
      { of: "updates", title: say("penalty"), note: say("penaltyNote"), series: one("penalty", "gradient"), log: true },
      { of: "updates", title: say("weight"), series: one("weight", "gradient"), log: true },
      { of: "updates", title: say("strength"), series: one("strength", "ink"), optional: true },
      { of: "updates", title: say("learningRate"), series: one("learning_rate", "ink"), log: true },
      { of: "updates", title: say("speedTitle"), series: one("speed", "ink") },
    ],
  };
}

/** The curves of a run, with their zoom. */
export class ChartsPanel {
  constructor(run) {
    this.run = run;
    this.group = new ChartGroup({
      pick: (x) => run.clock.go(x, true),
      zoom: (from, to) => change({ zoom: `${Math.round(from)},${Math.round(to)}` }, true),
      reset: () => change({ zoom: null }, true),
    });
    const made = specifications(run.summary);
    const chart = (spec) => Object.assign(new Chart(this.group, spec), { of: spec.of });
    this.open = made.open.map(chart);
    this.more = made.details.map(chart);
    const grid = (charts) => el("div", { class: "charts" }, charts.map((c) => c.element));
    this.moreBox = el("details", { class: "part" }, el("summary", {}, say("details")), grid(this.more));
    this.moreBox.addEventListener("toggle", () => {
      const others = listed("panels").filter((p) => p !== "details");
      change({ panels: joined(this.moreBox.open ? [...others, "details"] : others) });
      if (this.moreBox.open) this.update();
    });
    this.reset = el("button", { type: "button", class: "quiet", onclick: () => change({ zoom: null }, true) }, say("resetZoom"));
    this.nearer = el("button", { type: "button", class: "quiet", onclick: () => this.closer() }, say("zoomHere"));
    this.element = el("section", { class: "panel curves", "aria-labelledby": "curves-title" }, el("div", { class: "between" }, el("h2", { id: "curves-title" }, say("curves")), el("span", {}, this.nearer, this.reset)), el("p", { class: "note hint" }, say("curvesHint")), grid(this.open), this.moreBox);
  }

  /** The stretch of samples that is shown. */
  get domain() {
    const [from, to] = (state().zoom || "").split(",").map(Number);
    return to > from ? [from, to] : [0, Math.max(this.run.clock.end, 1)];
  }

  /** A quarter of what is shown, about the step shown: the zoom by keyboard. */
  closer() {
    const [from, to] = this.domain;
    const half = (to - from) / 8;
    const middle = Math.min(to - half, Math.max(from + half, this.run.clock.at));
    change({ zoom: `${Math.round(middle - half)},${Math.round(middle + half)}` }, true);
  }

  /** After the data or the zoom changed. */
  update() {
    const { curves, fine, clock } = this.run;
    const open = listed("panels").includes("details");
    if (this.moreBox.open !== open) this.moreBox.open = open;
    this.reset.disabled = !state().zoom;
    if (!curves) return;
    const updates = state().zoom && fine?.zoom === state().zoom ? fine.curves : curves;
    for (const chart of [...this.open, ...(open ? this.more : [])]) {
      const from = chart.of === "updates" ? updates : curves.evaluations;
      if (chart.spec.optional) chart.element.hidden = !(from[chart.spec.series[0].key] || []).some((v) => v > 0);
      chart.show({ x: from.samples || [], ys: from, domain: this.domain, begin: clock.begin, events: clock.events });
    }
    this.move();
  }

  /** After the step shown changed. */
  move() {
    this.group.now(this.run.clock.at);
  }
}
