// Small things that the panels of a lesson share.

import { el, svg } from "../dom.js";

/** An entry of a drawing's key: a line or an area as it is drawn, and its name. */
export function keyOf(look, d, text, part) {
  return el("li", { "data-part": part }, svg("svg", { viewBox: "0 0 22 10", class: "key", "aria-hidden": "true" }, svg("path", { class: look, d })), text);
}

/** A button with a text. */
export const press = (text, onclick, props = {}) => el("button", { type: "button", onclick, ...props }, text);

/** A labelled field. */
export const fieldOf = (text, input, props = {}) => el("label", { class: "field", ...props }, el("span", { title: text }, text), input);

/** Lights up parts of a drawing (a list of their names, "" for none) and dims all others. */
export function light(element, parts) {
  const names = parts ? parts.split(" ") : [];
  element.classList.toggle("lit", names.length > 0);
  for (const node of element.querySelectorAll("[data-part]")) node.classList.toggle("on", names.some((name) => node.dataset.part.split(" ").includes(name)));
}

/** An arrow from one point to another as a path; the head keeps its size, and where there is no room for one it is a dot. */
export function arrowPath(x0, y0, x1, y1) {
  const long = Math.hypot(x1 - x0, y1 - y0);
  if (long < 1.5) return "";
  const head = Math.min(5, long);
  const [ux, uy] = [(x1 - x0) / long, (y1 - y0) / long];
  const side = (turn) => `${(x1 - head * (ux * 0.9 + turn * uy * 0.6)).toFixed(1)} ${(y1 - head * (uy * 0.9 - turn * ux * 0.6)).toFixed(1)}`;
  return `M${x0.toFixed(1)} ${y0.toFixed(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}M${side(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}L${side(-1)}`;
}
