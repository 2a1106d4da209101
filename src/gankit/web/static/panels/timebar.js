// The time bar: one for all panels. Axis: real samples shown. Phases shaded, the best step starred, events marked.

import { SPEEDS } from "../clock.js";
import { el, fill, hideTip, onWidth, showTip, svg, write } from "../dom.js";
import { clustered, signOf } from "../marks.js";
import { count, ticks, whole } from "../numbers.js";
import { change, state } from "../state.js";
import { phaseName, say } from "../words.js";

const BAR_HIGH = 58;
const [ROW, FLOOR] = [20, 40]; // of the shaded stretch
const INSET = 12;

const ICONS = {
  first: "M3 3h2.4v10H3zM13 3v10L6 8z", back: "M11 3.5v9L5 8z", play: "M4 2.5v11L13.5 8z", pause: "M4 3h3v10H4zM9 3h3v10H9z",
  on: "M5 3.5v9L11 8z", last: "M10.6 3H13v10h-2.4zM3 3v10l7-5z",
};

const icon = (sign) => svg("svg", { class: `sign ${sign}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: ICONS[sign] }));

/** The time bar of a clock. */
export class TimeBar {
  constructor(clock) {
    this.clock = clock;
    const button = (sign, name, act) => el("button", { type: "button", class: "icon", "aria-label": name, title: name, onclick: act }, icon(sign));
    const still = (act) => () => {
      clock.pause();
      act();
    };
    this.playButton = button("play", say("play"), () => clock.toggle());
    this.speed = el("select", { "aria-label": say("speed"), onchange: (e) => change({ speed: e.target.value === "1" ? null : e.target.value }) }, SPEEDS.map((s) => el("option", { value: s }, `×${s === 0.25 ? "¼" : s === 0.5 ? "½" : s}`)));
    this.readout = el("span", { class: "readout" });
    this.liveButton = el("button", { type: "button", class: "live", onclick: () => clock.follow() });
    this.track = svg("svg", { height: BAR_HIGH, "aria-hidden": "true" });
    this.slider = el("div", { class: "slider", role: "slider", tabindex: 0, "aria-label": say("timeBar"), "aria-valuemin": 0 }, this.track);
    this.element = el("section", { class: "timebar", "aria-label": say("timeBar") },
      el("div", { class: "controls" },
        button("first", say("toFirst"), still(() => clock.first())), button("back", say("stepBack"), still(() => clock.move(-1))), this.playButton, button("on", say("stepOn"), still(() => clock.move(1))), button("last", say("toLast"), () => clock.follow()),
        this.speed, this.readout, this.liveButton),
      this.slider);
    clock.changed = () => this.place();
    this.scrub();
    onWidth(this.slider, () => this.draw());
  }

  x(samples) {
    return INSET + (samples / this.clock.total) * (this.width - 2 * INSET);
  }

  /** Draws all that does not move: after the data or the width changed. */
  draw() {
    this.width = this.slider.clientWidth;
    if (!this.width) return;
    const { clock } = this;
    const parts = [svg("rect", { class: "ground", x: this.x(0), width: this.x(clock.total) - this.x(0), y: ROW, height: FLOOR - ROW, rx: 3 })];
    for (const [phase, from, to] of clock.phases) {
      const wide = this.x(Math.min(to, clock.end || to)) - this.x(from);
      if (wide <= 0) continue;
      parts.push(svg("rect", { class: `phase ${phase}`, x: this.x(from), width: wide, y: ROW, height: FLOOR - ROW }));
      const name = phaseName(phase);
      if (wide > name.length * 7.5 + 8) parts.push(svg("text", { class: "phase", x: this.x(from) + 6, y: ROW + 14 }, name));
    }
    const [near, far] = (state().zoom || "").split(",").map(Number);
    if (far > near) parts.push(svg("rect", { class: "zoomed", x: this.x(near), width: Math.max(2, this.x(Math.min(far, clock.total)) - this.x(near)), y: ROW - 3, height: FLOOR - ROW + 6, rx: 3 }));
    const first = clock.steps.map((s) => `M${this.x(s).toFixed(1)} ${FLOOR - 4}V${FLOOR}`);
    parts.push(svg("path", { class: "kept", d: first.join("") }));
    if (clock.total > 1) for (const t of ticks(0, clock.total, this.width / 120)) parts.push(svg("text", { class: "x", x: Math.min(this.x(t), this.width - 16), y: BAR_HIGH - 4 }, count(t)));
    for (const found of clustered(clock.events, (s) => this.x(s), 11)) {
      const star = found.kind === "best";
      const mark = svg("path", { class: `event ${found.kind}`, d: signOf(found.kind), transform: `translate(${found.x.toFixed(1)} ${star ? ROW - 9 : ROW - 7})` });
      mark.addEventListener("pointerenter", () => showTip(mark.getBoundingClientRect(), found.lines));
      mark.addEventListener("pointerleave", hideTip);
      parts.push(mark);
    }
    this.thumb = svg("g", { class: "thumb" }, svg("line", { y1: ROW - 5, y2: FLOOR + 3 }), svg("circle", { cy: (ROW + FLOOR) / 2, r: 8 }));
    this.track.setAttribute("viewBox", `0 0 ${this.width} ${BAR_HIGH}`);
    fill(this.track, parts, this.thumb);
    this.place();
  }

  /** Moves the thumb and writes where it is. */
  place() {
    const { clock } = this;
    const at = clock.at;
    const k = clock.steps.length ? clock.index + 1 : 0;
    const phase = clock.phaseAt(at);
    this.thumb?.setAttribute("transform", `translate(${this.x(at).toFixed(1)} 0)`);
    const where = clock.total <= 1 ? say("notBegun") : say("atSamples", { at: whole(at), total: count(clock.total) });
    const which = k ? say(clock.unit, { k, n: clock.steps.length }) : "";
    fill(this.readout, el("b", {}, where), el("span", { class: "note" }, [phase && phaseName(phase), which].filter(Boolean).map((t) => ` · ${t}`).join("")));
    this.slider.setAttribute("aria-valuemax", Math.round(clock.last));
    this.slider.setAttribute("aria-valuenow", Math.round(at));
    this.slider.setAttribute("aria-valuetext", [where, phase && phaseName(phase), which].filter(Boolean).join(", "));
    if (this.drawnPlaying !== clock.playing) fill(this.playButton, icon((this.drawnPlaying = clock.playing) ? "pause" : "play"));
    this.playButton.setAttribute("aria-label", say(clock.playing ? "pause" : "play"));
    this.playButton.title = say(clock.playing ? "pause" : "play");
    this.speed.value = String(clock.speed);
    const behind = clock.running && !clock.following;
    this.liveButton.disabled = !behind;
    this.liveButton.classList.toggle("ended", !clock.running);
    this.liveButton.classList.toggle("behind", behind);
    write(this.liveButton, behind ? say("behind") : say("atLive"));
  }

  scrub() {
    let held = false;
    let wanted = null;
    const move = (event) => {
      const box = this.slider.getBoundingClientRect();
      const first = wanted === null;
      wanted = ((event.clientX - box.left - INSET) / (this.width - 2 * INSET)) * this.clock.total;
      if (!first) return;
      requestAnimationFrame(() => {
        const x = wanted;
        wanted = null;
        this.clock.go(Math.max(0, x));
      });
    };
    this.slider.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      held = true;
      this.clock.pause();
      this.slider.setPointerCapture(event.pointerId);
      move(event);
    });
    this.slider.addEventListener("pointermove", (event) => held && move(event));
    for (const name of ["pointerup", "pointercancel"]) this.slider.addEventListener(name, () => (held = false));
  }
}
