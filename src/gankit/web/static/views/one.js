// One run: its panels about one time bar.

import { listenToKeys } from "../clock.js";
import { el, fill } from "../dom.js";
import { ChartsPanel } from "../panels/charts.js";
import { EventsPanel } from "../panels/events.js";
import { FakesPanel } from "../panels/fakes.js";
import { GuessPanel } from "../panels/guess.js";
import { HappeningPanel } from "../panels/happening.js";
import { HeadPanel, decisions } from "../panels/head.js";
import { NeighboursPanel } from "../panels/neighbours.js";
import { TimeBar } from "../panels/timebar.js";
import { Run } from "../run.js";
import { onChange } from "../state.js";
import { say } from "../words.js";

/** Shows a run in `main`. */
export const showRun = async (main, name) => {
  let panels = null;
  const run = new Run(name, (...what) => panels && refresh(...what));
  const wait = el("p", { class: "empty" }, say("loading"));
  fill(main, wait);

  function refresh(...what) {
    const { head, fakes, near, now, charts, events, guess, bar } = panels;
    main.setAttribute("aria-busy", run.isComing);
    const has = (...some) => some.some((one) => what.includes(one));
    if (has("summary")) head.update();
    if (has("zoom", "curves", "panels")) charts.update();
    if (has("curves", "panels")) events.update();
    if (has("curves", "previews", "summary", "zoom")) bar.draw();
    if (!has("zoom")) fakes.update();
    if (!has("zoom", "preview")) now.update();
    near.update();
    guess.update();
    if (has("at")) {
      bar.place();
      charts.move();
    } else if (has("previews")) charts.move();
  }

  run.opened = () => {
    panels = {
      head: new HeadPanel(run), fakes: new FakesPanel(run), near: new NeighboursPanel(run), now: new HappeningPanel(run),
      charts: new ChartsPanel(run), events: new EventsPanel(run), guess: new GuessPanel(run), bar: new TimeBar(run.clock),
    };
    const { head, fakes, near, now, charts, events, guess, bar } = panels;
    fill(main, head.element, el("div", { class: "two" }, el("div", { class: "left" }, fakes.element, near.element), now.element), charts.element, events.element, guess.element, decisions(run.summary), bar.element);
    refresh("summary");
  };

  onChange((changed) => {
    if (!panels) return;
    if (changed.has("zoom")) {
      refresh("zoom");
      run.loadFine();
    }
    if (changed.has("panels")) refresh("panels");
    if (changed.has("at") || changed.has("pick") || changed.has("speed")) refresh("at");
  });
  listenToKeys(run.clock);
  run.from.onReach((reached) => reached && run.summary && run.told("again"));
  await opened(run, main);
};

/** Opens a run; while the server is away, again and again. */
async function opened(run, main) {
  for (;;) {
    try {
      await run.open();
      return;
    } catch (refusal) {
      if (refusal.status !== 0) return void fill(main, el("h1", {}, run.name), el("p", { class: "warn" }, refusal.message), el("p", {}, el("a", { href: "/" }, say("allRuns"))));
      await new Promise((later) => setTimeout(later, 2000));
    }
  }
}
