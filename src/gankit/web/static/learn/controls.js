// Who moves: one step of D, of G, of both, play, its pace, back to step 0; by buttons and by keys.

import { el, svg, write } from "../dom.js";
import { change } from "../state.js";
import { say } from "../words.js";
import { press } from "./parts.js";
import { PACES } from "./table.js";
import { tell } from "./texts.js";

const FIELDS = "input, select, textarea, dialog[open]";

/** The bar of buttons below the drawings. */
export class ControlsBar {
  constructor(table) {
    this.table = table;
    const act = (who) => () => this.one(who);
    this.sign = svg("svg", { class: "sign", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: "" }));
    this.playing = el("button", { type: "button", class: "playbutton", onclick: () => this.toggle(), title: tell("keyPlay") }, this.sign, el("span", {}, say("play")));
    this.pace = el("select", { "aria-label": tell("pace"), onchange: () => change({ pace: this.pace.value === "1" ? null : this.pace.value }) }, PACES.map((n) => el("option", { value: n }, n === 0 ? tell("paceSlow") : n === 1 ? tell("paceOne") : tell("paceMany", { n }))));
    this.readout = el("span", { class: "readout" });
    this.beside = press(tell("besideAdd"), () => this.second());
    this.element = el("section", { class: "timebar movebar", "aria-label": tell("moves") }, el("div", { class: "controls" },
      press(tell("dStep"), act("d"), { title: tell("keyD"), class: "dmove" }), press(tell("gStep"), act("g"), { title: tell("keyG"), class: "gmove" }), press(tell("bothStep"), act("both"), { title: tell("keyBoth"), class: "primary" }),
      this.playing, this.pace, press(tell("restart"), () => table.restart(), { title: tell("keyRestart"), "aria-label": tell("restartLong") }), this.readout));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  /** One step, after the one that may be under way; a key that is held down asks for no more than that. */
  async one(who) {
    this.table.pause();
    if (this.waits) return;
    this.waits = true;
    while (this.table.busy) await new Promise((later) => requestAnimationFrame(later));
    this.waits = false;
    this.table.step(who, 1);
  }

  toggle() {
    if (this.table.playing) this.table.pause();
    else this.table.play();
  }

  second() {
    const { table } = this;
    const [first] = table.sides;
    const side = { settings: { ...first.settings }, moves: [] };
    if (table.sides.length > 1) {
      table.open([{ letter: "A", settings: first.settings, moves: first.moves }], { show: null });
    } else table.open([{ letter: "A", ...side }, { letter: "B", ...side }], { show: null });
  }

  key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
    const actions = { d: () => this.one("d"), g: () => this.one("g"), b: () => this.one("both"), ArrowRight: () => this.one("both"), Home: () => this.table.restart(), " ": () => this.toggle() };
    if (!(event.key in actions) || (event.key === " " && event.target.closest?.("button, a, summary, label"))) return;
    event.preventDefault();
    actions[event.key]();
  }

  show() {
    const { table } = this;
    write(this.playing.querySelector("span"), say(table.playing ? "pause" : "play"));
    this.sign.firstChild.setAttribute("d", table.playing ? "M4 3H7V13H4ZM9 3H12V13H9Z" : "M4 2.5L13 8L4 13.5Z");
    this.pace.value = String(table.pace);
    write(this.beside, tell(table.sides.length > 1 ? "besideEnd" : "besideAdd"));
    write(this.readout, table.sides.map((s) => (table.sides.length > 1 ? `${s.letter}: ` : "") + tell("stepAt", { step: s.picture.step })).join(", "));
  }
}
