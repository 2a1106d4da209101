// Two or more runs: their curves in one chart each, their previews side by side on one time bar, the settings that differ.
// What is told apart here is runs, by letter, dash and shade; which number it is stands in the title.

import { Clock, listenToKeys } from "../clock.js";
import { Chart, ChartGroup } from "../curves.js";
import { el, fill } from "../dom.js";
import { count, whole } from "../numbers.js";
import { FakesPanel } from "../panels/fakes.js";
import { facts, setting, statePill } from "../panels/head.js";
import { TimeBar } from "../panels/timebar.js";
import { Run } from "../run.js";
import { change, listed, onChange, state } from "../state.js";
import { say } from "../words.js";
import { runAddress } from "./card.js";

const MOST_RUNS = 6;
const LETTERS = "ABCDEF";
const COMPARED = [
  ["updates", "d_loss", "dLoss"], ["updates", "g_loss", "gLoss"], ["evaluations", "metric", "heldoutMetric"],
  ["evaluations", "recall_fake", "fakesCalledReal"], ["evaluations", "accuracy_heldout", "accuracyHeldout"], ["updates", "gap", "gap"],
];

/** Shows the runs of the state in `main`. */
export const showCompare = async (main) => {
  const names = listed("runs").slice(0, MOST_RUNS);
  document.title = `${say("compare")} · gankit`;
  if (names.length < 2) return void fill(main, el("h1", {}, say("compare")), el("p", { class: "empty" }, say("tickTwo")), el("p", {}, el("a", { href: "/" }, say("allRuns"))));
  const view = new Comparison(main, names);
  onChange((changed) => {
    if (changed.has("runs")) location.reload();
    else view.refresh(changed.has("zoom") ? "zoom" : "at");
  });
  listenToKeys(view.clock);
  await view.open();
};

class Comparison {
  constructor(main, names) {
    this.clock = new Clock(() => this.sides.every(({ run }) => run.previews.loaded.has(run.previews.step(this.clock.at)) || !run.previews.steps.length));
    this.sides = names.map((name, i) => {
      const run = new Run(name, (...what) => this.told(...what));
      run.clock = new Proxy(run.clock, { get: (own, key) => (key === "at" || key === "playing" ? this.clock[key] : Reflect.get(own, key, own)) });
      return { name, letter: LETTERS[i], run, ready: false };
    });
    this.group = new ChartGroup({ pick: (x) => this.clock.go(x, true), zoom: (a, b) => change({ zoom: `${Math.round(a)},${Math.round(b)}` }, true), reset: () => change({ zoom: null }, true) });
    this.charts = COMPARED.map(([of, key, title]) => Object.assign(new Chart(this.group, { title: say(title), share: /recall|accuracy/.test(key), line: key.endsWith("_loss") ? { y: Math.LN2, label: "ln 2" } : null, series: this.sides.map((s, i) => ({ key: s.letter, label: s.letter, title: s.name, look: `run${i}` })), settled: key.endsWith("_loss") }), { of, key }));
    this.bar = new TimeBar(this.clock);
    this.row = el("div", { class: "abreast" });
    this.table = el("div");
    this.reset = el("button", { type: "button", class: "quiet", onclick: () => change({ zoom: null }, true) }, say("resetZoom"));
    const more = listed("runs").length - names.length;
    fill(main, el("header", { class: "head" }, el("h1", {}, say("compare")), more > 0 && el("p", { class: "warn" }, say("atMostCompared", { n: MOST_RUNS, more }))), this.row,
      el("section", { class: "panel curves", "aria-labelledby": "curves-title" }, el("div", { class: "between" }, el("h2", { id: "curves-title" }, say("curves")), this.reset), el("div", { class: "charts" }, this.charts.map((c) => c.element))),
      el("section", { class: "panel", "aria-labelledby": "differ-title" }, el("h2", { id: "differ-title" }, say("settingsDiffer")), this.table), this.bar.element);
  }

  async open() {
    await Promise.all(this.sides.map(async (side) => {
      side.box = el("section", { class: "side" });
      this.row.append(side.box);
      side.run.opened = () => {
        side.ready = true;
        side.state = el("div", { class: "states" });
        side.fakes = new FakesPanel(side.run, false);
        side.fakes.element.removeAttribute("aria-labelledby");
        fill(side.box, el("h2", {}, el("span", { class: "letter" }, side.letter), " ", el("a", { href: runAddress(side.name) }, side.name)), el("p", { class: "note" }, facts(side.run.summary)), side.state, side.fakes.element);
        fill(side.state, statePill(side.run.summary));
        this.settings();
      };
      try {
        await side.run.open();
      } catch (refusal) {
        fill(side.box, el("h2", {}, side.name), el("p", { class: "warn" }, refusal.message || say("serverGone")));
      }
    }));
  }

  told(...what) {
    const { clock, sides } = this;
    const all = sides.map((s) => s.run.clock);
    clock.end = Math.max(...all.map((c) => c.end));
    clock.total = Math.max(...all.map((c) => c.total));
    clock.running = all.some((c) => c.running);
    const step = (s) => (s.run.previews.steps.length ? s.run.previews.steps : []);
    clock.steps = [...new Set(sides.flatMap(step))].sort((a, b) => a - b);
    if (!clock.steps.length) clock.steps = [...new Set(all.flatMap((c) => c.steps))].sort((a, b) => a - b);
    clock.events = sides.flatMap((s) => s.run.clock.events.filter((e) => e.kind === "best").map((e) => ({ ...e, lines: e.lines.map((l) => `${s.letter}: ${l}`) })));
    this.refresh(...what);
  }

  refresh(...what) {
    const has = (...some) => some.some((one) => what.includes(one));
    this.reset.disabled = !state().zoom;
    if (has("curves", "zoom")) this.draw();
    if (has("curves", "previews", "summary", "zoom")) this.bar.draw();
    else if (has("at")) this.bar.place();
    for (const { ready, fakes, run, state: pill } of this.sides) {
      if (!ready || !fakes) continue;
      if (has("summary")) fill(pill, statePill(run.summary));
      fakes.update();
    }
    this.group.now(this.clock.at);
  }

  draw() {
    const [a, b] = (state().zoom || "").split(",").map(Number);
    const domain = b > a ? [a, b] : [0, Math.max(1, this.clock.end)];
    for (const chart of this.charts) {
      const of = (s) => (chart.of === "updates" ? s.run.curves : s.run.curves?.evaluations);
      const [ys, xs] = [{}, {}];
      for (const side of this.sides) {
        ys[side.letter] = of(side)?.[chart.key] || [];
        xs[side.letter] = of(side)?.samples || [];
      }
      chart.show({ x: [], xs, ys, domain, begin: Math.max(...this.sides.map((s) => s.run.clock.begin)), events: [] });
    }
  }

  settings() {
    const known = this.sides.filter((s) => s.run.summary);
    const values = (s) => ({ data: s.run.summary.data, kind: s.run.summary.kind, records: whole(s.run.summary.records?.train), metric: s.run.summary.metric?.name, seed: s.run.summary.seed, network: s.run.summary.network, samples: count(s.run.summary.total_samples), ...(s.run.summary.options || {}), ...s.run.summary.settings });
    const all = known.map(values);
    const names = [...new Set(all.flatMap((v) => Object.keys(v)))].filter((n) => new Set(all.map((v) => setting(v[n]))).size > 1);
    if (!names.length) return void fill(this.table, el("p", { class: "note" }, say("noneDiffers")));
    fill(this.table, el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": say("settingsDiffer") }, el("table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, say("setting")), known.map((s) => el("th", { scope: "col" }, `${s.letter} ${s.name}`)))),
      el("tbody", {}, names.map((n) => el("tr", {}, el("th", { scope: "row" }, n), all.map((v) => el("td", {}, setting(v[n])))))))));
  }
}
