// One record of a preview by itself: cut out, and drawn large.

import { colour, el } from "../dom.js";
import { tiles, tileSize } from "./grid.js";
import { drawSeries, limits } from "./lines.js";

const LARGE = 150;

/** Record i of a preview. about: of the run. */
export function recordAt(about, record, i) {
  if (record instanceof Image) {
    const [w, h] = tileSize(about.shape, record);
    return { sheet: record, at: tiles(record, w, h).at(i), size: [w, h] };
  }
  if (record.texts) return { texts: [record.texts[i]] };
  if (record.rows) return { columns: record.columns, rows: [record.rows[i]] };
  return { x: [record.x[i]] };
}

/** How many records a preview has. */
export function recordsIn(about, record, count) {
  if (record instanceof Image) return tiles(record, ...tileSize(about.shape, record), count).n;
  return (record.texts || record.rows || record.x).length;
}

/** An image, a text or a series, large. name: the colour of a series; paints: gets what is to be called when colours change. */
export function drawRecord(run, record, name, paints) {
  const address = typeof record === "string" ? record : record.image || record.png;
  if (address) return el("img", { src: address.startsWith("data:") || address.startsWith("/") ? address : `data:image/png;base64,${address}`, alt: "", class: "large", width: LARGE });
  if (record.texts) return el("blockquote", {}, record.texts[0]);
  const canvas = el("canvas", { class: "large", "aria-hidden": "true" });
  const paint = record.sheet ? () => drawTile(canvas, record) : () => drawOneSeries(canvas, run, record.x[0], name);
  paints.push(paint);
  paint();
  return canvas;
}

function drawTile(canvas, { sheet, at, size: [w, h] }) {
  canvas.width = w;
  canvas.height = h;
  canvas.style.width = `${LARGE}px`;
  canvas.getContext("2d").drawImage(sheet, ...at, w, h, 0, 0, w, h);
}

function drawOneSeries(canvas, run, series, name) {
  const scales = limits(run.real?.x || [series], Math.min(4, series[0]?.length || 1));
  const [wide, high] = [300, 60 + 50 * scales.length];
  canvas.width = wide * 2;
  canvas.height = high * 2;
  canvas.style.width = `${wide}px`;
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  context.strokeStyle = colour(name);
  context.lineWidth = 1.4;
  drawSeries(context, series, scales, series.length, 0, 0, wide, high);
}
