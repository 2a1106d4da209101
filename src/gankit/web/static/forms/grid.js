// Images and spectrograms: the sheet of a preview cut into tiles, small ones enlarged pixel by pixel.

import { Cells } from "./cells.js";
import { ClipPlayer } from "./player.js";

const SMALL = 96; // tiles up to so many pixels wide are enlarged by whole factors

/** Where tile i of a sheet lies: tiles of w by h pixels with gaps of one pixel, and perhaps an edge of one. count: of the
 * records of previews, where it is known; the last row of a sheet need not be full. */
export function tiles(sheet, w, h, count) {
  const columns = Math.max(1, Math.round((sheet.naturalWidth + 1) / (w + 1)));
  const rows = Math.max(1, Math.round((sheet.naturalHeight + 1) / (h + 1)));
  const edge = sheet.naturalWidth - columns * (w + 1) === 1 ? 1 : 0;
  const whole = columns * rows;
  return { n: count < whole && count > whole - columns ? count : whole, at: (i) => [edge + (i % columns) * (w + 1), edge + Math.floor(i / columns) * (h + 1)] };
}

/** The size of a tile by the shape of a record [C, H, W]; the whole sheet where it is not known. */
export function tileSize(shape, sheet) {
  return shape && shape.length === 3 ? [shape[2], shape[1]] : [sheet.naturalWidth, sheet.naturalHeight];
}

/** The grid of a preview. view: {about, count(), labelled, pick, clip}. */
export class GridForm {
  constructor(view) {
    this.view = view;
    this.sheet = null;
    const player = view.clip ? new ClipPlayer(view) : null;
    this.player = player;
    this.cells = new Cells({ ...view, decorate: (cells) => player?.decorate(cells) }, (context, i, x, y, w, h) => this.tile(context, i, x, y, w, h));
    this.element = this.cells.element;
  }

  show({ record, samples }) {
    this.sheet = record;
    const [w, h] = tileSize(this.view.about.shape, record);
    this.cut = tiles(record, w, h, this.view.count());
    this.size = [w, h];
    this.smooth = Boolean(this.player) || w > SMALL; // spectrograms are no pictures made of pixels
    this.cells.lay(this.cut.n, w, h, !this.smooth, this.player ? 84 : w <= SMALL ? 26 : 64);
    this.player?.step(samples);
  }

  mark(index) {
    this.cells.mark(index);
  }

  tile(context, i, x, y, w, h) {
    context.imageSmoothingEnabled = this.smooth || w < this.size[0];
    context.imageSmoothingQuality = "high";
    context.drawImage(this.sheet, ...this.cut.at(i), ...this.size, x, y, w, h);
  }
}
