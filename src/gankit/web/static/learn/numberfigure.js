// The game on one number: figure 1 of Goodfellow et al. 2014. Densities of real data and of fakes, D and the best possible
// D above; below them fakes with the way they will be pushed, and the lines along which G takes z to x.

import { el, fill, onWidth, svg } from "../dom.js";
import { axisNumber, extent, ticks } from "../numbers.js";
import { arrowPath, keyOf, light } from "./parts.js";
import { tell } from "./texts.js";

const PLOT_HIGH = 230;
const PUSH = { top: PLOT_HIGH + 24, high: 40, rows: 5 };
const MAP = { top: PUSH.top + PUSH.high + 8, high: 78 };
const WHOLE = MAP.top + MAP.high + 6;
const ROOM = 34;
const LEAST_SHARE_HERE = 0.002; // of both densities, from where their ratio says something

/** The drawing of a lesson on numbers. */
export class NumberFigure {
  constructor() {
    this.plot = svg("svg", { class: "game1", role: "img", "aria-label": tell("figureNumbers"), height: WHOLE });
    this.keys = el("ul", { class: "keys" }, keyOf("area real", "M2 1H20V9H2Z", tell("keyReal"), "real"), keyOf("outline fake", "M0 5H22", tell("keyFake"), "fake"), keyOf("dcurve", "M0 5H22", "D(x)", "d"),
      keyOf("dbest", "M0 5H22", tell("keyBest"), "best"), keyOf("push", "M1 5H20M16 2L20 5L16 8", tell("keyPush"), "push"), keyOf("map", "M0 5H22", "z → x", "map"));
    this.element = el("div", { class: "holder lightable" }, this.keys, this.plot);
    onWidth(this.element, () => this.draw());
  }

  show(picture) {
    this.picture = picture;
    this.draw();
  }

  light(parts) {
    this.parts = parts;
    light(this.element, parts);
  }

  draw() {
    const { picture } = this;
    const width = this.element.clientWidth;
    if (!width || !picture) return;
    const [low, high] = [picture.edges[0], picture.edges[picture.edges.length - 1]];
    const right = width - ROOM;
    const sx = (x) => ROOM + ((x - low) / (high - low)) * (right - ROOM);
    const top = Math.max(...picture.p) * 1.5;
    const sy = (p) => Math.max(3, PLOT_HIGH - (p / top) * (PLOT_HIGH - 14));
    const sd = (d) => PLOT_HIGH - d * (PLOT_HIGH - 14);
    const at = (k) => sx(picture.edges[k]);
    const parts = [0, 0.5, 1].map((d) => [svg("line", { class: d === 0.5 ? "reference" : "rule", x1: ROOM, x2: right, y1: sd(d), y2: sd(d) }), svg("text", { class: "y dscale", x: width - 2, y: sd(d) + 4 }, d)]);
    parts.push(svg("g", { "data-part": "real" }, picture.p.map((p, k) => p > 0 && svg("rect", { class: "bar real", x: at(k) + 0.5, width: Math.max(1, at(k + 1) - at(k) - 1), y: sy(p), height: PLOT_HIGH - sy(p) }))));
    parts.push(svg("path", { class: "outline fake", "data-part": "fake", d: `M${at(0)} ${PLOT_HIGH}${picture.q.map((q, k) => `V${sy(q).toFixed(1)}H${at(k + 1).toFixed(1)}`).join("")}V${PLOT_HIGH}` }));
    parts.push(svg("path", { class: "dbest", "data-part": "best", d: best(picture, at, sd, top) }));
    parts.push(svg("path", { class: "dcurve", "data-part": "d", d: `M${picture.x.map((x, i) => `${sx(x).toFixed(1)} ${sd(picture.d[i]).toFixed(1)}`).join("L")}` }));
    for (const x of ticks(low, high, width / 110)) parts.push(svg("line", { class: "rule", x1: sx(x), x2: sx(x), y1: PLOT_HIGH, y2: PLOT_HIGH + 4 }), svg("text", { class: "x", x: sx(x), y: PLOT_HIGH + 16 }, axisNumber(x)));
    parts.push(svg("text", { class: "start", x: 4, y: PLOT_HIGH + 16 }, "x"), ...pushes(picture, sx, right), ...lines(picture, sx, low, high, right));
    this.plot.setAttribute("viewBox", `0 0 ${width} ${WHOLE}`);
    fill(this.plot, parts);
    if (this.parts) this.light(this.parts);
  }
}

/** D* where there is data or fakes enough for it. */
function best({ p, q, d_star }, at, sd, top) {
  let d = "";
  let open = false;
  d_star.forEach((share, k) => {
    if (p[k] + q[k] < LEAST_SHARE_HERE * top) return void (open = false);
    d += `${open ? "L" : "M"}${((at(k) + at(k + 1)) / 2).toFixed(1)} ${sd(share).toFixed(1)}`;
    open = true;
  });
  return d;
}

/** Fakes on a line of their own, some rows high, each with its arrow. */
function pushes({ arrows }, sx, right) {
  const inside = (x) => Math.min(right, Math.max(ROOM, sx(x)));
  let [dots, heads] = ["", ""];
  arrows.forEach(([from, to], i) => {
    const y = PUSH.top + ((i % PUSH.rows) + 0.5) * (PUSH.high / PUSH.rows);
    dots += `M${(inside(from) - 2.4).toFixed(1)} ${y}l2.4 -2.4l2.4 2.4l-2.4 2.4z`;
    heads += arrowPath(inside(from), y, inside(to), y);
  });
  return [svg("path", { class: "push", "data-part": "push", d: heads }), svg("path", { class: "dots fake solid", "data-part": "fake push", d: dots })];
}

/** From z, below, to where G takes it. */
function lines(picture, sx, low, high, right) {
  const bottom = MAP.top + MAP.high;
  const [first, last] = extent(picture.z);
  const sz = (z) => ROOM + (right - ROOM) * (0.12 + (0.76 * (z - first)) / (last - first || 1));
  let d = "";
  picture.z.forEach((z, k) => {
    const x = picture.x_of_z[k];
    if (x >= low && x <= high) d += `M${sz(z).toFixed(1)} ${bottom}L${sx(x).toFixed(1)} ${MAP.top}`;
  });
  return [svg("line", { class: "rule", x1: ROOM, x2: right, y1: MAP.top, y2: MAP.top }), svg("line", { class: "rule", x1: ROOM, x2: right, y1: bottom, y2: bottom }),
    svg("text", { class: "start", x: 4, y: MAP.top + 4 }, "x"), svg("text", { class: "start", x: 4, y: bottom + 2 }, "z"), svg("path", { class: "map", "data-part": "map", d })];
}
