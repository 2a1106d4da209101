// Two numbers: real and fakes as points over D's surface, green where D says real.

import { colour, el, onColours, onWidth, svg } from "../dom.js";
import { axisNumber, extent, nearestOf, ticks } from "../numbers.js";
import { say } from "../words.js";

const MOST_HIGH_PLANE = 450;
const MARGIN = 34;
const DRAWN_POINTS = 1500;
const NEAR = 14; // pixels from a point within which a click means it

/** Pairs of numbers of a preview. view: {about, pick(i)}. */
export class PlaneForm {
  constructor(view) {
    this.view = view;
    this.canvas = el("canvas", { class: "plane", role: "img", "aria-label": say("planeFigure") });
    const key = (look, d) => svg("svg", { viewBox: "0 0 22 10", class: "key", "aria-hidden": "true" }, svg("path", { class: look, d }));
    this.element = el("div", { class: "holder" }, el("ul", { class: "keys" },
      el("li", {}, key("dots real", "M8 5a3 3 0 1 0 6 0a3 3 0 1 0 -6 0"), say("realData")), el("li", {}, key("dots fake", "M11 1l4 4l-4 4l-4 -4z"), say("someFakes")),
      el("li", {}, el("span", { class: "ramp" }), say("surfaceKey"))), this.canvas);
    if (view.pick) this.canvas.addEventListener("click", (event) => this.clicked(event));
    onWidth(this.element, () => this.draw());
    onColours(() => this.draw());
  }

  show(found, real) {
    this.found = found;
    this.real = real;
    if (!this.domain || (real && this.basis !== real)) {
      this.basis = real;
      this.domain = [0, 1].map((k) => {
        const grid = found.surface?.[k ? "y" : "x"];
        const [low, high] = extent(grid || (real || found.record).x.map((v) => v[k])) || [0, 1];
        const room = grid ? 0 : (high - low) * 0.18 || 1;
        return [low - room, high + room];
      });
    }
    this.draw();
  }

  draw() {
    if (!(this.element.clientWidth > MARGIN) || !this.found) return;
    const [across, up] = this.domain.map(([low, high]) => high - low);
    const slim = Math.min(2, Math.max(0.7, across / up)); // equal units where that leaves a drawing of a fit shape
    const wide = Math.min(MOST_HIGH_PLANE * slim, this.element.clientWidth);
    const high = wide / slim;
    const pixel = window.devicePixelRatio || 1;
    this.canvas.width = wide * pixel;
    this.canvas.height = high * pixel;
    Object.assign(this.canvas.style, { width: `${wide}px`, height: `${high}px` });
    const context = this.canvas.getContext("2d");
    context.setTransform(pixel, 0, 0, pixel, 0, 0);
    const [[x0, x1], [y0, y1]] = this.domain;
    const bottom = high - 22;
    const sx = (x) => MARGIN + ((x - x0) / (x1 - x0)) * (wide - MARGIN);
    const sy = (y) => bottom - ((y - y0) / (y1 - y0)) * bottom;
    context.save();
    context.beginPath();
    context.rect(MARGIN, 0, wide - MARGIN, bottom);
    context.fillStyle = colour("--paper");
    context.fill();
    context.clip();
    this.at = ([x, y]) => [sx(x), sy(y)];
    this.surface(context, sx, sy);
    this.points(context, sx, sy);
    this.ring(context);
    context.restore();
    context.strokeStyle = colour("--line");
    context.strokeRect(MARGIN + 0.5, 0.5, wide - MARGIN - 1, bottom - 1);
    context.fillStyle = colour("--muted");
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    for (const x of ticks(x0, x1, 5)) context.fillText(axisNumber(x), Math.min(wide - 12, Math.max(MARGIN + 8, sx(x))), high - 6);
    context.textAlign = "right";
    for (const y of ticks(y0, y1, 5)) context.fillText(axisNumber(y), MARGIN - 5, Math.min(bottom - 2, Math.max(10, sy(y) + 4)));
  }

  surface(context, sx, sy) {
    const found = this.found.surface;
    if (!found?.x || !found.d?.length) return;
    const [columns, rows] = [found.x.length, found.y.length];
    const image = new ImageData(columns, rows);
    const [r, g, b] = colour("--d").match(/[\d.]+/g).map(Number);
    for (let j = 0; j < rows; j++) {
      for (let i = 0; i < columns; i++) {
        const at = 4 * ((rows - 1 - j) * columns + i);
        image.data.set([r, g, b, Math.round(165 * (found.d[j][i] ?? 0))], at);
      }
    }
    const sheet = el("canvas", { width: columns, height: rows });
    sheet.getContext("2d").putImageData(image, 0, 0);
    const half = [(found.x[1] - found.x[0]) / 2, (found.y[1] - found.y[0]) / 2];
    const [left, right] = [sx(found.x[0] - half[0]), sx(found.x[columns - 1] + half[0])];
    const [low, top] = [sy(found.y[0] - half[1]), sy(found.y[rows - 1] + half[1])];
    context.imageSmoothingEnabled = true;
    context.drawImage(sheet, left, top, right - left, low - top);
  }

  points(context, sx, sy) {
    if (this.real) {
      context.fillStyle = colour("--real");
      context.globalAlpha = 0.75;
      for (const [x, y] of this.real.x.slice(0, DRAWN_POINTS)) {
        context.beginPath();
        context.arc(sx(x), sy(y), 2, 0, 7);
        context.fill();
      }
      context.globalAlpha = 1;
    }
    context.strokeStyle = colour("--fake");
    context.lineWidth = 1.3;
    context.beginPath();
    for (const [x, y] of this.found.record.x.slice(0, DRAWN_POINTS)) {
      const [a, b] = [sx(x), sy(y)];
      context.moveTo(a, b - 3);
      context.lineTo(a + 3, b);
      context.lineTo(a, b + 3);
      context.lineTo(a - 3, b);
      context.closePath();
    }
    context.stroke();
  }

  /** A ring around the fake that is chosen. */
  ring(context) {
    const point = this.found.record.x[this.marked];
    if (!point) return;
    context.strokeStyle = colour("--ink");
    context.lineWidth = 2;
    context.beginPath();
    context.arc(...this.at(point), 8, 0, 7);
    context.stroke();
  }

  clicked(event) {
    const i = nearestOf(this.found.record.x.slice(0, DRAWN_POINTS).map(this.at), [event.offsetX, event.offsetY], NEAR);
    if (i !== null) this.view.pick(i);
  }

  mark(index) {
    if (index === this.marked) return;
    this.marked = index;
    this.draw();
  }
}
