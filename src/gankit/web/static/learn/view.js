// Learn: the game in slow motion, on one's own numbers.

import { el, fill } from "../dom.js";
import { source } from "../source.js";
import { whole } from "../numbers.js";
import { onChange } from "../state.js";
import { ControlsBar } from "./controls.js";
import { DataChooser } from "./data.js";
import { HistoryPanel } from "./history.js";
import { IdeasPanel } from "./ideas.js";
import { RoundPanel } from "./round.js";
import { ShowsPanel } from "./shows.js";
import { SideView } from "./side.js";
import { MOST_STEPS, Table } from "./table.js";
import { TakePanel } from "./take.js";
import { tell } from "./texts.js";

const EASE_MS = 150; // between two updates of what is read rather than watched, while it plays

/** The styles of this view, which no other needs. */
function styled() {
  const sheet = el("link", { rel: "stylesheet", href: "/static/learn/learn.css" });
  const ready = new Promise((done) => ["load", "error"].forEach((name) => sheet.addEventListener(name, done)));
  document.head.append(sheet);
  return ready;
}

function sentenceOf(refusal) {
  if (refusal.enough) return tell("enough", { n: whole(MOST_STEPS) });
  if (refusal.status === 0) return say("serverGone");
  return refusal.lost ? tell("lost") : refusal.message || tell("refused");
}

/** Shows the lessons in `main`. */
export const showLearn = async (main) => {
  const [about] = await Promise.all([source().lessons(), styled()]);
  const status = el("p", { class: "warn", role: "alert", hidden: true });
  const board = el("div", { class: "board" });
  const below = el("div");
  let views = [];
  let curves = null;
  let eased = 0;

  const table = new Table(about, (what) => {
    if (what === "refused") {
      status.hidden = false;
      fill(status, sentenceOf(table.refusal));
    } else if (what !== "wait" && !table.refusal) status.hidden = true;
    main.setAttribute("aria-busy", String(what === "wait"));
    if (table.sides.length) [rest.hidden, wait.hidden] = [false, true];
    if (what === "sides") lay();
    if (table.sides.length && what !== "wait" && what !== "refused") refresh();
    if (what === "playing") controls.show();
  });
  const controls = new ControlsBar(table);
  const data = new DataChooser(table, controls.beside);
  const shows = new ShowsPanel(table);
  const take = new TakePanel(table);
  const ideas = new IdeasPanel(table, { light: (parts) => views[0].figure.light(parts), chart: (part) => curves.point(part), figure: () => views[0].game.scrollIntoView({ block: "start" }) });
  const round = new RoundPanel(table);
  source().onReach((reached) => {
    if (reached && table.refusal?.status === 0) [table.refusal, status.hidden] = ["", true];
  });

  /** The board for as many sides as there are. */
  function lay() {
    const lone = table.sides.length === 1;
    const kinds = table.sides.map((s) => `${s.letter}${s.dim}${s.settings.loss}`).join();
    main.classList.toggle("pair", !lone);
    if (board.dataset.kinds !== kinds) {
      views = table.sides.map((s) => new SideView(table, s.letter, lone, s.dim));
      curves = new HistoryPanel(table.sides);
      fill(board, el("div", { class: lone ? "two learning" : "besides" }, views.map((v) => v.game), views.map((v) => v.step.element)));
      fill(below, curves.element);
      board.dataset.kinds = kinds;
    }
    data.show();
    round.reset();
  }

  function refresh() {
    const now = performance.now();
    const all = !table.playing || now - eased > EASE_MS;
    if (all) eased = now;
    for (const view of views) view.show(all);
    controls.show();
    if (!all) return;
    curves.show(table.sides);
    shows.show();
    ideas.show();
    take.show();
  }

  const rest = el("div", { hidden: true }, board, shows.element, below, round.element, ideas.element, take.element, controls.element);
  const wait = el("p", { class: "empty" }, tell("opening"));
  fill(main, el("div", { class: "head learnhead" }, el("div", {}, el("h1", {}, tell("title")), el("p", { class: "lead" }, tell("lead"))), data.element), status, wait, rest);
  onChange((changed) => {
    if (table.writing) return;
    if ([...changed].some((key) => key !== "pace" && key !== "grid")) table.fromAddress();
    else controls.show();
  });
  await table.fromAddress();
  if (table.sides.length) return;
  const failed = table.refusal;
  await table.open([{ letter: "A", settings: { ...about.settings }, moves: [] }], { data: "bells", show: null, addressed: true });
  fill(status, sentenceOf(failed));
  status.hidden = false;
};
