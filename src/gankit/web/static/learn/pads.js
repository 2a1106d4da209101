// Data drawn by hand: a density painted as bars, or points sprayed; by keys as well.

import { colour, el } from "../dom.js";
import { drawsFrom, heightsText, pointsText, recordsOfHeights } from "./drawn.js";

const CELLS_DRAWN = 40;
const WIDE_PAD = 520;
const HIGH_PAD = 220;
const SPRAYED = 3; // points of a moment of spraying
const MOST_SPRAYED = 600;
const SPREAD = 14;

class Pad {
  constructor(label) {
    this.element = el("canvas", { class: "pad", tabindex: 0, role: "img", "aria-label": label, width: WIDE_PAD, height: HIGH_PAD });
    this.context = this.element.getContext("2d");
    const at = (event) => {
      const box = this.element.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * WIDE_PAD, ((event.clientY - box.top) / box.height) * HIGH_PAD];
    };
    let last = null;
    this.element.addEventListener("pointerdown", (event) => {
      this.element.setPointerCapture(event.pointerId);
      this.stroke(null, (last = at(event)));
    });
    this.element.addEventListener("pointermove", (event) => last && this.stroke(last, (last = at(event))));
    for (const name of ["pointerup", "pointercancel"]) this.element.addEventListener(name, () => (last = null));
    this.element.addEventListener("keydown", (event) => this.key(event) && event.preventDefault());
  }
}

/** A density over -5 to 5: records are drawn from it. */
export class DensityPad extends Pad {
  constructor() {
    super("x: −5 … 5");
    this.clear();
    this.cursor = CELLS_DRAWN / 2;
  }

  clear() {
    this.heights = new Array(CELLS_DRAWN).fill(0);
    this.paint();
  }

  stroke(from, to) {
    const cell = (x) => Math.min(CELLS_DRAWN - 1, Math.max(0, Math.floor((x / WIDE_PAD) * CELLS_DRAWN)));
    const [a, b] = [cell(from ? from[0] : to[0]), cell(to[0])];
    for (let k = Math.min(a, b); k <= Math.max(a, b); k++) {
      const share = a === b ? 1 : (k - a) / (b - a);
      const y = from ? from[1] + share * (to[1] - from[1]) : to[1];
      this.heights[k] = Math.min(1, Math.max(0, 1 - y / HIGH_PAD));
    }
    this.paint();
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
    if (!(event.key in moves)) return false;
    const [by, more] = moves[event.key];
    this.cursor = Math.min(CELLS_DRAWN - 1, Math.max(0, this.cursor + by));
    this.heights[this.cursor] = Math.min(1, Math.max(0, this.heights[this.cursor] + more));
    this.paint();
    return true;
  }

  paint() {
    const { context } = this;
    const wide = WIDE_PAD / CELLS_DRAWN;
    context.clearRect(0, 0, WIDE_PAD, HIGH_PAD);
    context.fillStyle = colour("--real");
    this.heights.forEach((h, k) => context.fillRect(k * wide + 1, HIGH_PAD * (1 - h), wide - 2, HIGH_PAD * h));
    context.fillStyle = colour("--ink");
    context.fillRect((this.cursor || 0) * wide, HIGH_PAD - 3, wide, 3);
  }

  get count() {
    return recordsOfHeights(heightsText(this.heights)).length;
  }

  get text() {
    return `drawn:${heightsText(this.heights)}`;
  }
}

/** Points over -3 to 3 across and about as much up. */
export class SprayPad extends Pad {
  constructor() {
    super("x, y");
    this.draw = drawsFrom(2);
    this.cursor = [WIDE_PAD / 2, HIGH_PAD / 2];
    this.clear();
  }

  clear() {
    this.points = [];
    this.paint();
  }

  stroke(from, to) {
    for (let i = 0; i < (from ? SPRAYED : 3 * SPRAYED) && this.points.length < MOST_SPRAYED; i++) {
      const [angle, far] = [2 * Math.PI * this.draw(), SPREAD * Math.sqrt(this.draw())];
      this.points.push([to[0] + far * Math.cos(angle), to[1] + far * Math.sin(angle)]);
    }
    this.cursor = to;
    this.paint();
  }

  key(event) {
    const moves = { ArrowLeft: [-12, 0], ArrowRight: [12, 0], ArrowUp: [0, -12], ArrowDown: [0, 12] };
    if (event.key === "Enter" || event.key === " ") this.stroke(null, this.cursor);
    else if (event.key in moves) this.cursor = this.cursor.map((v, k) => Math.min(k ? HIGH_PAD : WIDE_PAD, Math.max(0, v + moves[event.key][k])));
    else return false;
    this.paint();
    return true;
  }

  paint() {
    const { context } = this;
    context.clearRect(0, 0, WIDE_PAD, HIGH_PAD);
    context.fillStyle = colour("--real");
    for (const [x, y] of this.points) context.fillRect(x - 1.5, y - 1.5, 3, 3);
    context.strokeStyle = colour("--ink");
    context.strokeRect(this.cursor[0] - 5, this.cursor[1] - 5, 10, 10);
  }

  get count() {
    return this.points.length;
  }

  get text() {
    return `sprayed:${pointsText(this.points.map(([x, y]) => [x / WIDE_PAD, 0.5 + (0.5 - y / HIGH_PAD) * (HIGH_PAD / WIDE_PAD)]))}`;
  }
}
