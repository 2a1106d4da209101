// The game on two numbers: D's surface, real and fake points, the way each fake will be pushed, and G's warped grid.

import { colour, el, fill, onColours, onWidth, svg } from "../dom.js";
import { axisNumber, ticks } from "../numbers.js";
import { change, state } from "../state.js";
import { arrowPath, keyOf, light } from "./parts.js";
import { tell } from "./texts.js";

const LEFT = 38;
const BELOW = 20;
const MOST_HIGH_HERE = 460;
const SHARES = [0.7, 1.6]; // height for width, at least and at most

/** The drawing of a lesson on pairs. */
export class PairFigure {
  constructor() {
    this.sheet = el("canvas", { class: "surface", "aria-hidden": "true", "data-part": "d" });
    this.plot = svg("svg", { role: "img", "aria-label": tell("figurePairs") });
    this.warp = el("input", { type: "checkbox", checked: state().grid === "1", onchange: () => (change({ grid: this.warp.checked ? 1 : null }), this.draw()) });
    this.keys = el("ul", { class: "keys" }, keyOf("dots real", "M8 5a3 3 0 1 0 6 0a3 3 0 1 0 -6 0", tell("keyReal"), "real"), keyOf("dots fake", "M11 1l4 4l-4 4l-4 -4z", tell("keyFake"), "fake"),
      el("li", { "data-part": "d" }, el("span", { class: "ramp" }), tell("keySurface")), keyOf("push", "M1 5H20M16 2L20 5L16 8", tell("keyPush"), "push"),
      el("li", { "data-part": "map" }, el("label", { class: "choice" }, this.warp, tell("keyWarp"))));
    this.frame = el("div", { class: "game2" }, this.sheet, this.plot);
    this.element = el("div", { class: "holder lightable" }, this.keys, this.frame);
    onWidth(this.element, () => this.draw());
    onColours(() => this.draw());
  }

  show(picture) {
    this.picture = picture;
    this.draw();
  }

  light(parts) {
    this.parts = parts;
    if (parts.split(" ").includes("map") !== Boolean(this.mapped)) this.draw();
    light(this.element, parts);
  }

  draw() {
    const { picture } = this;
    const wide = this.element.clientWidth;
    if (!(wide > LEFT) || !picture) return;
    const [x0, x1] = [picture.x[0], picture.x[picture.x.length - 1]];
    const [y0, y1] = [picture.y[0], picture.y[picture.y.length - 1]];
    const slim = Math.min(SHARES[1], Math.max(SHARES[0], (y1 - y0) / (x1 - x0)));
    const across = Math.min(wide - LEFT, (MOST_HIGH_HERE - BELOW) / slim);
    const bottom = across * slim;
    const sx = (x) => LEFT + ((x - x0) / (x1 - x0)) * across;
    const sy = (y) => bottom - ((y - y0) / (y1 - y0)) * bottom;
    Object.assign(this.frame.style, { width: `${LEFT + across}px`, height: `${bottom + BELOW}px` });
    const [halfX, halfY] = [across / (2 * (picture.x.length - 1)), bottom / (2 * (picture.y.length - 1))]; // a pixel's middle is a point of the grid
    Object.assign(this.sheet.style, { left: `${LEFT - halfX}px`, top: `${-halfY}px`, width: `${across + 2 * halfX}px`, height: `${bottom + 2 * halfY}px`, clipPath: `inset(${halfY}px ${halfX}px)` });
    this.surface(picture);
    const point = ([x, y], shape) => `M${sx(x).toFixed(1)} ${sy(y).toFixed(1)}${shape}`;
    const clip = `clip${(this.mark ??= Math.random().toString(36).slice(2, 8))}`;
    this.mapped = this.warp.checked || (this.parts || "").split(" ").includes("map");
    this.plot.setAttribute("viewBox", `0 0 ${LEFT + across} ${bottom + BELOW}`);
    fill(this.plot,
      svg("clipPath", { id: clip }, svg("rect", { x: LEFT, y: 0, width: across, height: bottom })),
      svg("rect", { class: "frame", x: LEFT, y: 0, width: across, height: bottom }),
      svg("g", { "clip-path": `url(#${clip})` },
        svg("path", { class: "dots real", "data-part": "real", d: picture.real.map((v) => point(v, "m-1.8 0a1.8 1.8 0 1 0 3.6 0a1.8 1.8 0 1 0 -3.6 0")).join("") }),
        this.mapped && svg("path", { class: "warp", "data-part": "map", d: picture.warped.map((line) => `M${line.map(([x, y]) => `${sx(x).toFixed(1)} ${sy(y).toFixed(1)}`).join("L")}`).join("") }),
        svg("path", { class: "dots fake", "data-part": "fake", d: picture.fake.map((v) => point(v, "m-2.6 0l2.6 -2.6l2.6 2.6l-2.6 2.6z")).join("") }),
        svg("path", { class: "push", "data-part": "push", d: picture.arrows.map(([a, b]) => arrowPath(sx(a[0]), sy(a[1]), sx(b[0]), sy(b[1]))).join("") })),
      ticks(x0, x1, across / 80).map((x) => svg("text", { class: "x", x: Math.min(LEFT + across - 12, Math.max(LEFT + 8, sx(x))), y: bottom + 15 }, axisNumber(x))),
      ticks(y0, y1, 6).map((y) => svg("text", { class: "y", x: LEFT - 5, y: Math.min(bottom - 2, Math.max(10, sy(y) + 4)) }, axisNumber(y))));
    if (this.parts) light(this.element, this.parts);
  }

  /** D as a sheet of one pixel a point of its grid, which the browser makes larger. */
  surface({ d }) {
    const [columns, rows] = [d[0].length, d.length];
    const image = new ImageData(columns, rows);
    const [r, g, b] = colour("--d").match(/[\d.]+/g).map(Number);
    d.forEach((line, j) => line.forEach((v, i) => image.data.set([r, g, b, Math.round(165 * v)], 4 * ((rows - 1 - j) * columns + i))));
    Object.assign(this.sheet, { width: columns, height: rows });
    this.sheet.getContext("2d").putImageData(image, 0, 0);
  }
}
