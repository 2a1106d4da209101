// Which drawing belongs to which form of preview. All drawings have: element, show({samples, record, surface}, real), mark(index).

import { GridForm } from "./grid.js";
import { LineForm } from "./line.js";
import { LinesForm } from "./lines.js";
import { PlaneForm } from "./plane.js";
import { RowsForm } from "./rows.js";
import { TextsForm } from "./texts.js";

/** The drawing of previews of a form. view: {about, count(), labelled(i), pick(i), clip(samples, i)}. */
export function drawingOf(form, view) {
  const wide = (view.about.shape || [])[0] ?? (view.about.columns || []).length;
  if (form === "grid") return new GridForm(view);
  if (form === "lines") return new LinesForm(view);
  if (form === "texts") return new TextsForm(view);
  if (form === "rows") return new RowsForm(view);
  return wide === 1 ? new LineForm(view) : wide === 2 ? new PlaneForm(view) : new RowsForm(view);
}
