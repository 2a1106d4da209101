// One number: figure 1 of Goodfellow et al. 2014 on the user's own data. Histogram of real and of fakes, D(x), the best
// possible D*(x) = p_data / (p_data + p_g) from the two histograms, and below the lines along which G takes z to x.

import { el, fill, onWidth, svg } from "../dom.js";
import { axisNumber, extent, histogram, nearestOf, ticks } from "../numbers.js";
import { say } from "../words.js";
import { outline } from "./columns.js";

const LINE_BINS = 48;
const UPPER = 250;
const LOWER = 80;
const SIDE = 34;
const LEAST_SHARE = 0.01; // of real and fakes together in a cell, from where their ratio says something

/** Numbers of a preview. view: {pick(i)}. */
export class LineForm {
  constructor(view) {
    this.view = view;
    this.plot = svg("svg", { class: "figure1", role: "img", "aria-label": say("figureOne") });
    const entry = (look, text) => el("li", {}, svg("svg", { viewBox: "0 0 22 10", class: "key", "aria-hidden": "true" }, svg("path", { class: look, d: look === "area real" ? "M2 1H20V9H2Z" : "M0 5H22" })), text);
    this.element = el("div", { class: "holder" },
      el("ul", { class: "keys" }, entry("area real", say("realData")), entry("outline fake", say("someFakes")), entry("dcurve", say("dOfX")), entry("dbest", say("dBest")), entry("map", say("zToX"))), this.plot);
    if (view.pick) this.plot.addEventListener("click", (event) => this.clicked(event));
    onWidth(this.element, () => this.draw());
  }

  show(found, real) {
    this.found = found;
    this.real = real;
    this.draw();
  }

  draw() {
    const width = this.element.clientWidth;
    if (!width || !this.found) return;
    const fake = this.found.record.x.map((v) => v[0]);
    const real = this.real ? this.real.x.map((v) => v[0]) : [];
    const surface = this.found.surface;
    if (!this.domain || this.basis !== this.real) {
      const [low, high] = extent(surface?.grid || (real.length ? real : fake)) || [0, 1];
      const room = surface?.grid ? 0 : (high - low) * 0.15 || 1;
      this.domain = [low - room, high + room];
      this.basis = this.real;
    }
    const [low, high] = this.domain;
    const right = width - SIDE;
    const sx = (this.at = (x) => SIDE + ((x - low) / (high - low)) * (right - SIDE));
    const cell = (k) => SIDE + (k / LINE_BINS) * (right - SIDE);
    const [r, f] = [histogram(real, low, high, LINE_BINS), histogram(fake, low, high, LINE_BINS)];
    const top = (this.top = Math.max(...r, this.real ? 0 : Math.max(...f)) * 1.5 || 1);
    const sy = (s) => Math.max(4, UPPER - (s / top) * (UPPER - 14));
    const sd = (d) => UPPER - d * (UPPER - 14);
    const parts = [];
    for (const d of [0, 0.5, 1]) parts.push(svg("line", { class: d === 0.5 ? "reference" : "rule", x1: SIDE, x2: right, y1: sd(d), y2: sd(d) }), svg("text", { class: "y dscale", x: width - 2, y: sd(d) + 4 }, d));
    parts.push(r.map((s, k) => s > 0 && svg("rect", { class: "bar real", x: cell(k) + 0.5, width: Math.max(1, cell(1) - cell(0) - 1), y: sy(s), height: UPPER - sy(s) })));
    parts.push(svg("path", { class: "outline fake", d: outline(f, cell, sy, UPPER) }));
    parts.push(svg("path", { class: "dbest", d: steps(r, f, cell, sd) }));
    if (surface?.grid) parts.push(svg("path", { class: "dcurve", d: trace(surface.grid, surface.d, sx, sd, low, high) }));
    for (const x of ticks(low, high, width / 110)) parts.push(svg("text", { class: "x", x: sx(x), y: UPPER + 16 }, axisNumber(x)), svg("line", { class: "rule", x1: sx(x), x2: sx(x), y1: UPPER, y2: UPPER + 4 }));
    parts.push(svg("text", { class: "start", x: 4, y: UPPER + 16 }, "x"));
    parts.push(this.lines(surface, sx, low, high, right));
    const chosen = fake[this.marked];
    if (chosen >= low && chosen <= high) parts.push(svg("path", { class: "chosen", d: `M${sx(chosen).toFixed(1)} 4V${UPPER}m-5 8l5-8l5 8Z` }));
    this.plot.setAttribute("viewBox", `0 0 ${width} ${UPPER + LOWER + 26}`);
    this.plot.setAttribute("height", UPPER + LOWER + 26);
    fill(this.plot, parts);
  }

  /** From z, evenly spread below, to where G takes it. */
  lines(surface, sx, low, high, right) {
    const [above, below] = [UPPER + 22, UPPER + LOWER + 18];
    const parts = [svg("line", { class: "rule", x1: SIDE, x2: right, y1: below, y2: below }), svg("text", { class: "start", x: 4, y: below + 4 }, "z")];
    if (!surface?.z?.length) return parts;
    const [first, last] = extent(surface.z);
    const sz = (z) => SIDE + ((right - SIDE) * (0.12 + (0.76 * (z - first)) / (last - first || 1)));
    const every = Math.max(1, Math.ceil(surface.z.length / 60));
    let d = "";
    surface.z.forEach((z, k) => {
      const x = surface.x_of_z[k];
      if (k % every || x === null || x < low || x > high) return;
      d += `M${sz(z).toFixed(1)} ${below}L${sx(x).toFixed(1)} ${above}`;
    });
    return [...parts, svg("path", { class: "map", d })];
  }

  clicked(event) {
    const x = event.clientX - this.plot.getBoundingClientRect().left;
    const i = nearestOf(this.found.record.x.map(([value]) => [this.at(value)]), [x], Infinity);
    if (i !== null) this.view.pick(i);
  }

  mark(index) {
    if (index === this.marked) return;
    this.marked = index;
    this.draw();
  }
}

function trace(xs, ys, sx, sy, low, high) {
  let d = "";
  xs.forEach((x, i) => {
    if (x < low || x > high || ys[i] === null) return;
    d += `${d ? "L" : "M"}${sx(x).toFixed(1)} ${sy(ys[i]).toFixed(1)}`;
  });
  return d;
}

/** D* over the cells of two histograms, nothing where there are hardly any. */
function steps(real, fake, cell, sd) {
  let d = "";
  let open = false;
  real.forEach((r, k) => {
    const sum = r + fake[k];
    if (!(sum > LEAST_SHARE)) return void (open = false);
    const y = sd(r / sum).toFixed(1);
    const middle = ((cell(k) + cell(k + 1)) / 2).toFixed(1);
    d += `${open ? "L" : "M"}${middle} ${y}`;
    open = true;
  });
  return d;
}
