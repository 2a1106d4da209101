// A card of all runs: a run's newest preview, how it stands, its held-out metric.

import { el, fill, svg, write } from "../dom.js";
import { thumb } from "../forms/thumb.js";
import { extent, figure } from "../numbers.js";
import { facts, statePill } from "../panels/head.js";
import { saidAlarm } from "../said.js";
import { source } from "../source.js";
import { metricName, say } from "../words.js";

const shapes = new Map();

/** The address of a run's page. */
export function runAddress(name) {
  return `/run/${name.split("/").map(encodeURIComponent).join("/")}`;
}

/** A small curve of the held-out metric. */
function sparkline(values) {
  const range = extent(values);
  if (!range || values.length < 2) return null;
  const [low, high] = range;
  const x = (i) => 2 + (i / (values.length - 1)) * 96;
  const y = (v) => 22 - ((v - low) / (high - low || 1)) * 18;
  const known = values.map((v, i) => (v === null ? "" : `${x(i).toFixed(1)} ${y(v).toFixed(1)}`)).filter(Boolean);
  const best = values.indexOf(high);
  return svg("svg", { class: "spark", viewBox: "0 0 100 26", "aria-hidden": "true" }, svg("path", { class: "curve ink", d: `M${known.join("L")}` }), svg("circle", { class: "dot ink", cx: x(best), cy: y(high), r: 2.4 }));
}

/** A card that is kept, and updated in place so that nothing jumps. */
export class Card {
  constructor(summary, ticked) {
    this.name = summary.name;
    this.picture = el("div", { class: "picture" });
    this.state = el("p", { class: "states" });
    this.line = el("p", { class: "note brief" });
    this.metric = el("p", { class: "metric" });
    this.alarm = el("p", { class: "alarm note" });
    this.tick = el("input", { type: "checkbox", onchange: () => ticked(this.name, this.tick.checked) });
    this.element = el("li", { class: "card" },
      el("div", { class: "between top" }, el("h2", {}, el("a", { href: runAddress(summary.name) }, summary.name)), el("label", { class: "tick" }, this.tick, el("span", { class: "hidden" }, `${summary.name}: `), say("compareTick"))),
      this.picture, this.state, this.line, this.metric, this.alarm);
    this.seen = false;
    new IntersectionObserver((entries) => {
      this.seen = entries.some((e) => e.isIntersecting);
      this.paint();
    }, { rootMargin: "200px" }).observe(this.element);
    this.update(summary);
  }

  update(summary) {
    this.summary = summary;
    fill(this.state, statePill(summary));
    write(this.line, facts(summary));
    const metric = summary.metric || {};
    fill(this.metric, metric.now === null || metric.now === undefined
      ? el("span", { class: "note" }, say("noMetricYet"))
      : [el("span", { class: "numbers" }, el("span", { class: "note name", title: metric.name }, metricName(metric)), el("span", {}, el("b", { class: "value" }, figure(metric.now)), " ", el("span", { class: "note" }, say("bestIs", { best: figure(metric.best) })))), sparkline(summary.spark || [])]);
    const text = summary.state === "failed" ? say("failedWhy", { why: summary.why || say("unknown") }) : saidAlarm((summary.alarms || [])[summary.alarms.length - 1]) || "";
    write(this.alarm, text);
    this.alarm.title = text;
    this.paint();
  }

  /** Fetches and draws the newest preview, where the card is in sight and it is not drawn yet. */
  async paint() {
    const { name, form, preview } = this.summary;
    if (!this.seen || this.drawn === preview) return;
    if (preview === null || preview === undefined || !form) {
      this.drawn = preview;
      return void fill(this.picture, el("p", { class: "empty" }, say(this.summary.state === "running" || this.summary.state === "new" ? "noPreviewsYet" : "noPreviewsShort")));
    }
    this.drawn = preview;
    try {
      if (form === "grid" && !shapes.has(name)) shapes.set(name, (await source().run(name)).shape);
      const record = await source().preview(name, form, preview);
      if (this.drawn === preview) fill(this.picture, thumb(form, record, shapes.get(name)));
    } catch {
      this.drawn = undefined; // another try at the next update
    }
  }
}
