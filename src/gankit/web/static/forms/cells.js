// Many small drawings in one canvas, each with a button over it: image tiles, clips, lines.

import { el, fill, onColours, onWidth, roving } from "../dom.js";

const CELL_GAP = 3;
const MOST_HIGH = 470;
const LEAST_WIDE = 26;

/** A canvas of cells. view: {labelled(i), pick(i) or null}; `paint(context, i, x, y, w, h)` draws cell i. */
export class Cells {
  constructor(view, paint) {
    this.view = view;
    this.paint = paint;
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.over = el("div", { class: "over" });
    this.element = el("div", { class: "cells" }, this.canvas, this.over);
    this.columns = 1;
    this.plan = null;
    this.buttons = [];
    roving(this.over, () => this.columns);
    onWidth(this.element, () => this.arrange());
    onColours(() => this.redraw());
  }

  /** n cells of the natural size w by h; crisp: enlarge by whole factors only. */
  lay(n, w, h, crisp, least = LEAST_WIDE) {
    const plan = { n, w, h, crisp, least };
    if (JSON.stringify(plan) === JSON.stringify(this.plan)) return this.redraw();
    this.plan = plan;
    this.arrange();
  }

  arrange() {
    const width = Math.floor(this.element.clientWidth);
    if (!width || !this.plan) return;
    const { n, w, h, crisp, least } = this.plan;
    const pixel = window.devicePixelRatio || 1;
    for (let columns = 1; columns <= n; columns++) {
      let wide = Math.min(Math.floor((width - (columns - 1) * CELL_GAP) / columns), Math.floor((MOST_HIGH * w) / h));
      if (columns > 1 && wide < Math.min(least, width)) break;
      if (crisp && wide * pixel >= w) wide = (Math.floor((wide * pixel) / w) * w) / pixel;
      const high = (wide * h) / w;
      const across = Math.min(n, Math.floor((width + CELL_GAP) / (wide + CELL_GAP)));
      const all = Math.ceil(n / across) * (high + CELL_GAP) - CELL_GAP;
      Object.assign(this, { columns: across, wide, high, all });
      if (all <= MOST_HIGH) break; // the largest cells that fit
    }
    const across = Math.min(n, this.columns) * (this.wide + CELL_GAP) - CELL_GAP;
    this.canvas.width = Math.round(across * pixel);
    this.canvas.height = Math.round(this.all * pixel);
    this.canvas.style.width = this.over.style.width = `${across}px`;
    this.canvas.style.height = this.over.style.height = `${this.all}px`;
    this.buttons = Array.from({ length: n }, (_, i) => this.button(i));
    fill(this.over, this.buttons);
    this.view.decorate?.(this);
    this.redraw();
  }

  button(i) {
    const [x, y] = this.corner(i);
    const name = this.view.labelled(i);
    const node = this.view.pick
      ? el("button", { type: "button", "data-roving": true, tabindex: i ? -1 : 0, "aria-label": name, title: name, onclick: () => this.view.pick(i) })
      : el("span", { title: name });
    Object.assign(node.style, { left: `${x}px`, top: `${y}px`, width: `${this.wide}px`, height: `${this.high}px` });
    return node;
  }

  corner(i) {
    return [(i % this.columns) * (this.wide + CELL_GAP), Math.floor(i / this.columns) * (this.high + CELL_GAP)];
  }

  /** Outlines the cell that was picked, none for null. */
  mark(index) {
    this.buttons.forEach((button, i) => button.classList.toggle("picked", i === index));
  }

  redraw() {
    if (!this.plan || !this.buttons.length) return;
    const context = this.canvas.getContext("2d");
    const pixel = window.devicePixelRatio || 1;
    context.setTransform(pixel, 0, 0, pixel, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (let i = 0; i < this.plan.n; i++) this.paint(context, i, ...this.corner(i), this.wide, this.high);
  }
}
