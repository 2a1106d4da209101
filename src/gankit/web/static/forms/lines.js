// Series: each fake drawn over a real one, on one scale for the whole run, so that nothing jumps from step to step.

import { colour } from "../dom.js";
import { extent } from "../numbers.js";
import { Cells } from "./cells.js";
import { ClipPlayer } from "./player.js";

const MOST_CHANNELS = 4;

/** The limits of each channel over records [n][T][C], widened by a tenth. */
export function limits(records, channels) {
  return Array.from({ length: channels }, (_, c) => {
    const [low, high] = extent(records.flatMap((series) => series.map((row) => row[c]))) || [0, 1];
    const room = (high - low) * 0.1 || 1;
    return [low - room, high + room];
  });
}

/** Draws one series [T][C] into a box, a strip a channel; gaps where there is no number. */
export function drawSeries(context, series, scales, length, x, y, w, h) {
  const strip = h / scales.length;
  scales.forEach(([low, high], c) => {
    context.beginPath();
    let open = false;
    series.forEach((row, t) => {
      if (row[c] === null) return void (open = false);
      const px = x + ((t + 0.5) / length) * w;
      const share = Math.min(1.05, Math.max(-0.05, (row[c] - low) / (high - low)));
      const py = y + c * strip + (1 - share) * (strip - 4) + 2;
      if (open) context.lineTo(px, py);
      else context.moveTo(px, py);
      open = true;
    });
    context.stroke();
  });
}

/** Series of a preview. view: {about, labelled, pick, clip}. */
export class LinesForm {
  constructor(view) {
    this.view = view;
    this.real = [];
    const player = view.clip ? new ClipPlayer(view) : null;
    this.player = player;
    this.cells = new Cells({ ...view, decorate: (cells) => player?.decorate(cells) }, (...args) => this.cell(...args));
    this.element = this.cells.element;
  }

  show({ record, samples }, real) {
    this.fakes = record.x;
    this.real = real ? real.x : [];
    const basis = this.real.length ? this.real : (this.first ??= this.fakes);
    if (basis !== this.basis) {
      this.basis = basis;
      this.scales = limits(basis, Math.min(MOST_CHANNELS, basis[0]?.[0]?.length || 1));
      this.length = Math.max(...basis.map((s) => s.length), ...this.fakes.map((s) => s.length), 1);
    }
    this.cells.lay(this.fakes.length, 180, 50 + 40 * this.scales.length, false, 84);
    this.player?.step(samples);
  }

  mark(index) {
    this.cells.mark(index);
  }

  cell(context, i, x, y, w, h) {
    context.fillStyle = colour("--paper");
    context.fillRect(x, y, w, h);
    context.lineJoin = "round";
    for (const [series, name, wide] of [[this.real[i % Math.max(1, this.real.length)], "--real", 1], [this.fakes[i], "--fake", 1.6]]) {
      if (!series) continue;
      context.strokeStyle = colour(name);
      context.lineWidth = wide;
      context.globalAlpha = name === "--real" ? 0.7 : 1;
      drawSeries(context, series, this.scales, this.length, x, y, w, h);
      context.globalAlpha = 1;
    }
  }
}
