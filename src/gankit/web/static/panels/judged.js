// How well somebody tells real from fake.

import { el } from "../dom.js";
import { percent } from "../numbers.js";
import { say } from "../words.js";

/** Accuracy, precision and recall of calls [[called real, is real]]; null where there is nothing to count. */
export function judged(calls) {
  const count = (call, real) => calls.filter(([c, r]) => c === call && r === real).length;
  const share = (part, all) => (all ? part / all : null);
  const hits = count(true, true);
  return { accuracy: share(hits + count(false, false), calls.length), precision: share(hits, hits + count(true, false)), recall: share(hits, hits + count(false, true)) };
}

/** A table of those scores: rows [[who, {accuracy, precision, recall}]]. */
export function scoreTable(rows) {
  const names = ["accuracy", "precision", "recall"];
  return el("div", { class: "scroll judged" }, el("table", {},
    el("thead", {}, el("tr", {}, el("td", {}), names.map((name) => el("th", { scope: "col", class: "n" }, say(`judged_${name}`))))),
    el("tbody", {}, rows.map(([who, of]) => el("tr", {}, el("th", { scope: "row" }, who), names.map((name) => el("td", { class: "n" }, percent(of[name]))))))));
}
