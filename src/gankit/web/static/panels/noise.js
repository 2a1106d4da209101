// From noise to a record: the same z at steps spread over the training, as small images in a row.

import { el } from "../dom.js";
import { drawRecord, recordAt } from "../forms/record.js";
import { count } from "../numbers.js";
import { say } from "../words.js";

const SHOWN_STEPS = 8;
const SMALL_TILE = 72;

/** Fake `pick` at a few kept steps of a run of images, from the first to the one shown; null where there is one alone. */
export async function fromNoise(run, pick, last, paints) {
  const kept = run.previews.steps.filter((s) => s <= last);
  const most = Math.min(SHOWN_STEPS, kept.length);
  if (run.previews.form !== "grid" || most < 2) return null;
  const steps = Array.from({ length: most }, (_, i) => kept[Math.round((i * (kept.length - 1)) / (most - 1))]);
  const loaded = (step) => run.previews.loaded.get(step)?.record ?? run.from.preview(run.name, "grid", step, run.previews.version);
  const records = await Promise.all(steps.map(loaded)).catch(() => null);
  if (!records) return null;
  const tile = (record) => {
    const canvas = drawRecord(run, recordAt(run.about, record, pick), "--fake", paints);
    canvas.style.width = `${SMALL_TILE}px`;
    return canvas;
  };
  return el("div", { class: "part" }, el("h3", {}, say("fromNoise")), el("ol", { class: "fromnoise" }, records.map((record, i) => el("li", {}, tile(record), el("span", { class: "score" }, say("fromNoiseAt", { n: count(steps[i]) }))))));
}
