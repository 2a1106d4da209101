// Small curves in SVG: axes, hover and zoom that all charts of a group share, gaps, bands, marks for events.
// Knows numbers and texts; never runs or servers.

import { el, fill, hideTip, onWidth, showTip, svg, write } from "./dom.js";
import { SHAPES, clustered, signOf } from "./marks.js";
import { axisNumber, count, figure, lastUpTo, logTicks, nearest, percent, ticks } from "./numbers.js";
import { runningMean, verticalRange } from "./scales.js";

const HEIGHT = 168;
const EDGE = { left: 46, right: 12, top: 10, bottom: 24 };
const DRAG = 5;
const DOUBLE_MS = 250; // a click waits so long, since it may be half of a double one
const MOST_MARKS = 80;
const MANY = 200; // points of a noisy curve, from where its running mean is drawn over it

let charts = 0;

/** What charts share: the step under the pointer, the step shown now, the zoom. actions: pick(x), zoom(from, to), reset(). */
export class ChartGroup {
  constructor(actions) {
    this.members = [];
    this.actions = actions;
    this.at = null;
    this.over = null;
  }

  hover(x, owner = null) {
    this.over = x;
    for (const chart of this.members) chart.point(owner === chart);
  }

  now(x) {
    this.at = x;
    for (const chart of this.members) chart.point(false);
  }
}

/** A chart. spec: {title, note, series: [{key, label, look}], line: {y, label}, band: [low, high], share, log}. */
export class Chart {
  constructor(group, spec) {
    this.group = group;
    this.spec = spec;
    this.data = null;
    this.width = 0;
    this.id = `chart${charts++}`;
    this.values = spec.series.map(() => el("b", { class: "value" }, "–"));
    const key = (s) => svg("svg", { viewBox: "0 0 22 10", class: `key ${s.look}`, "aria-hidden": "true" }, svg("path", { class: "curve", d: "M0 5H22" }), s.marks && SHAPES[s.marks] && svg("path", { class: "dot", d: SHAPES[s.marks], transform: "translate(11 5)" }));
    this.keys = el("ul", { class: "keys" }, spec.series.map((s, i) => el("li", { title: s.title }, key(s), s.label, this.values[i])));
    this.plot = svg("svg", { class: "plot", height: HEIGHT, role: "img", "aria-label": spec.title });
    this.element = el("figure", { class: "chart" }, el("figcaption", { title: spec.note }, spec.title), this.keys, this.plot);
    group.members.push(this);
    this.listen();
    onWidth(this.element, () => this.draw());
  }

  /** data: {x, ys: {key: [..]}, xs: {key: [..]} where a series has its own x, domain: [from, to], begin: where the phase began whose numbers
   * set the scale, events: [{samples, kind, lines}]}. */
  show(data) {
    this.data = data;
    this.draw();
  }

  x(key) {
    return this.data.xs?.[key] || this.data.x;
  }

  /** The index of the first point that is shown. */
  first(key) {
    const x = this.x(key);
    const k = lastUpTo(x, this.data.domain[0]);
    return k >= 0 && x[k] === this.data.domain[0] ? k : k + 1;
  }

  draw() {
    if (!this.data || !this.element.clientWidth) return;
    const { spec, data } = this;
    const width = (this.width = this.plot.clientWidth || this.element.clientWidth);
    const [from, to] = data.domain;
    const right = width - EDGE.right;
    const bottom = HEIGHT - EDGE.bottom;
    this.sx = (x) => EDGE.left + ((x - from) / (to - from || 1)) * (right - EDGE.left);
    this.ix = (px) => from + ((px - EDGE.left) / (right - EDGE.left)) * (to - from);
    const inside = (key) => (data.ys[key] || []).slice(this.first(key), lastUpTo(this.x(key), to) + 1);
    const keys = [...spec.series.map((s) => s.key), ...(spec.band || [])];
    const begin = spec.settled && to - data.begin > 0.2 * (to - from) ? data.begin : -Infinity;
    const settled = keys.flatMap((key) => inside(key).filter((v, i) => v !== null && this.x(key)[this.first(key) + i] > begin));
    const [low, high, log] = verticalRange(settled.length > 1 ? settled : keys.flatMap(inside), spec);
    const f = log ? Math.log : (v) => v;
    const sy = (y) => bottom - ((f(y) - f(low)) / (f(high) - f(low) || 1)) * (bottom - EDGE.top);
    const label = spec.share ? (v) => percent(v) : axisNumber;
    const parts = [svg("clipPath", { id: this.id }, svg("rect", { x: EDGE.left, y: EDGE.top - 4, width: right - EDGE.left, height: bottom - EDGE.top + 8 }))];
    for (const y of log ? logTicks(low, high) : ticks(low, high, 4)) {
      parts.push(svg("line", { class: "rule", x1: EDGE.left, x2: right, y1: sy(y), y2: sy(y) }), svg("text", { class: "y", x: EDGE.left - 6, y: sy(y) + 4 }, label(y)));
    }
    for (const x of ticks(from, to, Math.max(2, width / 110))) parts.push(svg("text", { class: "x", x: this.sx(x), y: HEIGHT - 7 }, count(x)));
    if (spec.line && spec.line.y > low && spec.line.y < high) {
      parts.push(svg("line", { class: "reference", x1: EDGE.left, x2: right, y1: sy(spec.line.y), y2: sy(spec.line.y) }), svg("text", { class: "reference", x: right - 2, y: sy(spec.line.y) - 4 }, spec.line.label));
    }
    const curves = svg("g", { "clip-path": `url(#${this.id})` });
    if (spec.band) curves.append(svg("path", { class: "band", d: this.area(data, sy) }));
    for (const s of spec.series) curves.append(...this.series(s, data, sy, from, to));
    parts.push(curves, ...this.events(from, to, bottom));
    this.lines = ["now", "over"].map((name) => svg("line", { class: name, y1: EDGE.top - 4, y2: bottom }));
    this.readout = svg("text", { class: "readout", y: EDGE.top });
    this.brush = svg("rect", { class: "brush", y: EDGE.top, height: bottom - EDGE.top, width: 0 });
    this.plot.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    fill(this.plot, parts, this.brush, this.lines, this.readout);
    this.point(false);
  }

  series(s, data, sy, from, to) {
    const y = data.ys[s.key] || [];
    const x = this.x(s.key);
    let d = "";
    let open = false;
    const dots = [];
    for (let i = Math.max(0, lastUpTo(x, from)); i < x.length; i++) {
      const v = y[i];
      if (v === null || v === undefined || !Number.isFinite(v)) open = false;
      else {
        d += `${open ? "L" : "M"}${this.sx(x[i]).toFixed(1)} ${sy(v).toFixed(1)}`;
        open = true;
        dots.push([x[i], v]);
      }
      if (x[i] > to) break;
    }
    const many = dots.length > MANY && !s.marks;
    const marks = SHAPES[s.marks] && dots.length <= MOST_MARKS ? dots : dots.length === 1 ? dots : [];
    return [svg("path", { class: `curve ${s.look}${many ? " raw" : ""}`, d }), many && svg("path", { class: `curve ${s.look}`, d: runningMean(dots).map(([x, v, joins]) => `${joins ? "L" : "M"}${this.sx(x).toFixed(1)} ${sy(v).toFixed(1)}`).join("") }), ...marks.map(([a, b]) => svg("path", { class: `dot ${s.look}`, d: SHAPES[s.marks] || SHAPES.ink, transform: `translate(${this.sx(a).toFixed(1)} ${sy(b).toFixed(1)})` }))];
  }

  area(data, sy) {
    const [low, high] = this.spec.band.map((key) => data.ys[key] || []);
    const known = data.x.map((x, i) => [x, low[i], high[i]]).filter(([, a, b]) => Number.isFinite(a) && a !== null && Number.isFinite(b) && b !== null);
    const point = ([x, y]) => `${this.sx(x).toFixed(1)} ${sy(y).toFixed(1)}`;
    return known.length < 2 ? "" : `M${known.map(([x, a]) => point([x, a])).join("L")}L${known.reverse().map(([x, , b]) => point([x, b])).join("L")}Z`;
  }

  events(from, to, bottom) {
    const groups = clustered(this.data.events.filter((e) => e.samples >= from && e.samples <= to), this.sx, 9);
    return groups.map(({ x, kind, lines }) => {
      const mark = svg("path", { class: `event ${kind}`, d: signOf(kind), transform: `translate(${x.toFixed(1)} ${bottom + 1})` });
      mark.addEventListener("pointerenter", () => showTip(mark.getBoundingClientRect(), lines));
      mark.addEventListener("pointerleave", hideTip);
      return mark;
    });
  }

  /** Moves the lines of the step shown and of the step under the pointer, and writes the values there. */
  point(owner) {
    const { at, over } = this.group;
    const x = over ?? at;
    if (!this.lines) return;
    [at, over].forEach((value, k) => {
      const visible = value !== null && value >= this.data.domain[0] && value <= this.data.domain[1];
      this.lines[k].classList.toggle("shown", visible);
      if (visible) this.lines[k].setAttribute("transform", `translate(${this.sx(value).toFixed(1)} 0)`);
    });
    write(this.readout, owner && over !== null ? count(over) : "");
    if (owner && over !== null) {
      const flip = this.sx(over) > this.width - 80;
      this.readout.setAttribute("x", this.sx(over) + (flip ? -5 : 5));
      this.readout.setAttribute("text-anchor", flip ? "end" : "start");
    }
    this.spec.series.forEach((s, i) => {
      const y = this.data.ys[s.key] || [];
      const k = x === null ? y.length - 1 : over === null ? lastUpTo(this.x(s.key), x) : nearest(this.x(s.key), x);
      write(this.values[i], this.spec.share ? percent(y[k]) : figure(y[k]));
    });
  }

  listen() {
    let began = null;
    const at = (event) => {
      const box = this.plot.getBoundingClientRect();
      const [from, to] = this.data.domain;
      return Math.min(to, Math.max(from, this.ix(event.clientX - box.left)));
    };
    this.plot.addEventListener("pointerdown", (event) => {
      if (!this.data || event.button) return;
      began = { x: at(event), px: event.clientX, touch: event.pointerType === "touch" };
      if (!began.touch) this.plot.setPointerCapture(event.pointerId);
    });
    this.plot.addEventListener("pointermove", (event) => {
      if (!this.data || !this.lines) return;
      this.group.hover(at(event), this);
      if (!began || began.touch || Math.abs(event.clientX - began.px) < DRAG) return;
      const [a, b] = [began.x, at(event)].sort((p, q) => p - q).map(this.sx);
      this.brush.setAttribute("x", a);
      this.brush.setAttribute("width", b - a);
    });
    this.plot.addEventListener("pointerup", (event) => {
      if (!began) return;
      const [from, moved] = [began.x, Math.abs(event.clientX - began.px) >= DRAG];
      const touch = began.touch;
      began = null;
      clearTimeout(this.picking);
      if (!moved) this.picking = setTimeout(this.group.actions.pick, DOUBLE_MS, at(event));
      else if (!touch) this.group.actions.zoom(...[from, at(event)].sort((p, q) => p - q));
      this.brush.setAttribute("width", 0);
    });
    for (const name of ["pointerleave", "pointercancel"]) {
      this.plot.addEventListener(name, () => {
        began = name === "pointercancel" ? null : began;
        this.group.hover(null);
      });
    }
    this.plot.addEventListener("dblclick", () => {
      clearTimeout(this.picking);
      this.group.actions.reset();
    });
  }
}
