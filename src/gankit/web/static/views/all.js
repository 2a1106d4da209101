// All runs as cards: filtered by kind, data, state and text; grouped by a setting, data or seed; ticked to compare.

import { el, fill, write } from "../dom.js";
import { inOrder } from "../numbers.js";
import { setting } from "../panels/head.js";
import { source } from "../source.js";
import { change, joined, listed, onChange, state } from "../state.js";
import { kindName, say, stateName } from "../words.js";
import { Card } from "./card.js";
import { newRun } from "./start.js";

const REFRESH_MS = 4000;
const FILTERS = { kind: (r) => r.kind, data: (r) => r.data, state: (r) => r.state };
const STATES = ["running", "new", "failed", "stopped", "finished"];

/** Shows all runs in `main`. */
export const showAll = async (main, about) => {
  const view = new AllRuns(main, about);
  onChange(() => view.draw());
  await view.refresh();
  const again = () => setTimeout(async () => {
    if (!document.hidden) await view.refresh();
    again();
  }, REFRESH_MS);
  again();
  document.addEventListener("visibilitychange", () => document.hidden || view.refresh());
};

class AllRuns {
  constructor(main, about) {
    this.runs = null;
    this.cards = new Map();
    this.about = about;
    const select = (key) => el("label", { class: "field" }, el("span", {}, say(key)), el("select", { "aria-label": say(key), onchange: (e) => change({ [key]: e.target.value }, true) }));
    this.selects = Object.fromEntries(["kind", "data", "state", "group"].map((key) => [key, select(key)]));
    this.text = el("input", { type: "search", value: state().text || "", oninput: (e) => change({ text: e.target.value }) });
    this.number = el("p", { class: "note", role: "status" });
    this.compare = el("a", { class: "button primary", hidden: true });
    this.list = el("div", { class: "runs" }, el("p", { class: "empty" }, say("loading")));
    fill(main,
      el("header", { class: "head" }, el("h1", {}, say("allRuns")), about.can_start && el("div", { class: "buttons" }, el("button", { type: "button", class: "primary", onclick: () => newRun(about) }, say("newRun")))),
      (this.tools = el("form", { class: "tools", "aria-label": say("filter"), onsubmit: (e) => e.preventDefault() }, el("label", { class: "field" }, el("span", {}, say("search")), this.text), Object.values(this.selects), this.number, this.compare)),
      this.list);
    if (about.can_start) this.drop(main);
  }

  /** A file that is dropped anywhere begins a new run. */
  drop(main) {
    const carries = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
    document.addEventListener("dragover", (event) => carries(event) && (event.preventDefault(), main.classList.add("dropping")));
    document.addEventListener("dragleave", (event) => event.relatedTarget || main.classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
      main.classList.remove("dropping");
      if (!carries(event) || event.target.closest?.("dialog")) return;
      event.preventDefault();
      newRun(this.about, event.dataTransfer.files[0]);
    });
  }

  async refresh() {
    try {
      this.runs = await source().runs();
    } catch (refusal) {
      if (!this.runs) fill(this.list, el("p", { class: "empty" }, refusal.message || say("serverGone")));
      return;
    }
    this.draw();
  }

  options(key, values, label) {
    const select = this.selects[key].querySelector("select");
    const wanted = ["", ...values];
    const now = state()[key] || "";
    if (now && !wanted.includes(now)) wanted.push(now);
    const drawn = JSON.stringify(wanted);
    if (this.selects[key].drawn !== drawn) {
      this.selects[key].drawn = drawn;
      fill(select, wanted.map((v) => el("option", { value: v }, v === "" ? say(key === "group" ? "notGrouped" : "any") : label(v))));
    }
    select.value = now;
  }

  draw() {
    if (!this.runs) return;
    const { runs } = this;
    this.tools.hidden = !runs.length;
    if (!runs.length) return this.nothing();
    for (const key of Object.keys(FILTERS)) {
      const found = [...new Set(runs.map(FILTERS[key]).filter(Boolean))].sort(inOrder);
      this.options(key, found, key === "kind" ? kindName : key === "state" ? stateName : String);
    }
    const settings = [...new Set(runs.flatMap((r) => Object.keys(r.settings || {})))].sort(inOrder);
    this.options("group", [...new Set(["data", "kind", "seed", "state", "network", ...settings])], (v) => say(`group_${v}`, {}, v));
    if (document.activeElement !== this.text) this.text.value = state().text || "";
    const words = (state().text || "").toLowerCase().split(/\s+/).filter(Boolean);
    const shown = runs.filter((r) => Object.entries(FILTERS).every(([key, of]) => !state()[key] || of(r) === state()[key]) && words.every((w) => `${r.name} ${r.data} ${r.kind} ${r.network}`.toLowerCase().includes(w)));
    shown.sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || (b.updated || 0) - (a.updated || 0) || inOrder(a.name, b.name));
    write(this.number, shown.length === runs.length ? say("runsCount", { n: runs.length }) : say("runsOf", { n: shown.length, all: runs.length }));
    this.arrange(shown);
    this.ticks();
  }

  /** Puts the cards in order under their groups; moves only what has moved. */
  arrange(shown) {
    for (const run of shown) {
      const card = this.cards.get(run.name);
      if (card) card.update(run);
      else this.cards.set(run.name, new Card(run, (name, on) => this.ticked(name, on)));
    }
    const by = state().group;
    const groups = new Map();
    for (const run of shown) {
      const value = !by ? "" : by === "data" || by === "seed" || by === "kind" || by === "state" || by === "network" ? run[by] : run.settings?.[by];
      const name = by ? (value === null || value === undefined ? say("isDefault") : setting(value)) : "";
      groups.set(name, [...(groups.get(name) || []), run.name]);
    }
    const key = JSON.stringify([by, [...groups], document.documentElement.lang]);
    if (key === this.arranged) return;
    this.arranged = key;
    const grid = (names) => el("ul", { class: "cards" }, names.map((name) => this.cards.get(name).element));
    fill(this.list, !shown.length && el("p", { class: "empty" }, say("noneMatches")),
      [...groups].sort((a, b) => inOrder(a[0], b[0])).map(([name, names]) => (by ? el("section", {}, el("h2", {}, `${say(`group_${by}`, {}, by)}: ${name}`), grid(names)) : grid(names))));
  }

  ticked(name, on) {
    const others = listed("runs").filter((n) => n !== name);
    change({ runs: joined(on ? [...others, name] : others) });
  }

  ticks() {
    const chosen = listed("runs");
    for (const [name, card] of this.cards) card.tick.checked = chosen.includes(name);
    this.compare.hidden = chosen.length < 2;
    this.compare.setAttribute("href", `/compare#runs=${encodeURIComponent(joined(chosen) || "").replaceAll("%2C", ",")}`);
    write(this.compare, say("compareRuns", { n: chosen.length }));
  }

  nothing() {
    if (this.arranged === "nothing") return;
    this.arranged = "nothing";
    fill(this.list, el("div", { class: "nothing" }, el("h2", {}, say("noRuns")), el("p", {}, say(this.about.can_start ? "noRunsStart" : "noRunsText")), el("p", {}, el("code", {}, "gankit train DATA.csv"))));
  }
}
