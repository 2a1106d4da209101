// A preview in little, for the cards of all runs.

import { colour, el, onColours, onWidth, svg } from "../dom.js";
import { extent, histogram } from "../numbers.js";
import { outline } from "./columns.js";
import { tiles, tileSize } from "./grid.js";
import { drawSeries, limits } from "./lines.js";

const THUMB_HIGH = 104;

function painted(paint) {
  const canvas = el("canvas", { "aria-hidden": "true" });
  const holder = el("div", { class: "thumb" }, canvas);
  const draw = () => {
    const [wide, pixel] = [holder.clientWidth, window.devicePixelRatio || 1];
    if (!wide) return;
    canvas.width = wide * pixel;
    canvas.height = THUMB_HIGH * pixel;
    Object.assign(canvas.style, { width: `${wide}px`, height: `${THUMB_HIGH}px` });
    const context = canvas.getContext("2d");
    context.setTransform(pixel, 0, 0, pixel, 0, 0);
    paint(context, wide);
  };
  onWidth(holder, draw);
  onColours(draw);
  return holder;
}

function sheetThumb(sheet, shape) {
  return painted((context, wide) => {
    const [w, h] = tileSize(shape, sheet);
    const cut = tiles(sheet, w, h);
    const rows = h > 80 ? 1 : h > 34 ? 2 : 3;
    const high = (THUMB_HIGH - (rows - 1) * 2) / rows;
    const across = (high * w) / h;
    context.imageSmoothingEnabled = h > high;
    for (let i = 0, n = 0; n < cut.n; i++) {
      const [x, y] = [Math.floor(i / rows) * (across + 2), (i % rows) * (high + 2)];
      if (x > wide) break;
      context.drawImage(sheet, ...cut.at(n++), w, h, x, y, across, high);
    }
  });
}

function seriesThumb(record) {
  const channels = Math.min(2, record.x[0]?.[0]?.length || 1);
  const scales = limits(record.x, channels);
  return painted((context, wide) => {
    context.strokeStyle = colour("--fake");
    const [across, down] = [3, 2];
    record.x.slice(0, across * down).forEach((series, i) => drawSeries(context, series, scales, series.length, ((i % across) * wide) / across, (Math.floor(i / across) * THUMB_HIGH) / down, wide / across - 8, THUMB_HIGH / down - 4));
  });
}

function numbersThumb(record) {
  const values = record.x.map((v) => v[0]);
  const [low, high] = extent(values) || [0, 1];
  const shares = histogram(values, low, high, 40);
  const top = Math.max(...shares) || 1;
  return el("div", { class: "thumb" }, svg("svg", { viewBox: `0 0 280 ${THUMB_HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true", height: THUMB_HIGH },
    svg("path", { class: "outline fake", d: outline(shares, (k) => (k / 40) * 280, (s) => THUMB_HIGH - 2 - (s / top) * (THUMB_HIGH - 8), THUMB_HIGH - 2) })));
}

function pointsThumb(record) {
  const sides = [0, 1].map((k) => extent(record.x.map((v) => v[k])) || [0, 1]);
  return painted((context, wide) => {
    context.strokeStyle = colour("--fake");
    const size = THUMB_HIGH - 8;
    for (const v of record.x.slice(0, 400)) {
      const [x, y] = [0, 1].map((k) => (v[k] - sides[k][0]) / (sides[k][1] - sides[k][0] || 1));
      context.strokeRect((wide - size * 1.6) / 2 + x * size * 1.6 - 1, THUMB_HIGH - 4 - y * size - 1, 2, 2);
    }
  });
}

/** A small drawing of a preview by its form. shape: of one record, where it is known. */
export function thumb(form, record, shape) {
  if (form === "grid") return sheetThumb(record, shape);
  if (form === "lines") return seriesThumb(record);
  if (form === "texts") return el("ul", { class: "thumb texts" }, record.texts.slice(0, 4).map((text) => el("li", {}, text || "␣")));
  if (form === "rows") {
    const rows = record.rows.slice(0, 4).map((row) => el("tr", {}, row.slice(0, 5).map((cell) => el("td", {}, cell ?? "∅"))));
    return el("div", { class: "thumb rows" }, el("table", { "aria-hidden": "true" }, el("tbody", {}, rows)));
  }
  return (record.x[0]?.length || 1) === 1 ? numbersThumb(record) : pointsThumb(record);
}
