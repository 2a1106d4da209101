// The step that all panels show: kept in the state as `at`, absent at the live end, which it then follows.

import { lastUpTo, nearest } from "./numbers.js";
import { change, state } from "./state.js";

const STEPS_PER_SECOND = 4;
const PATIENCE_STEPS = 8; // a preview that does not come is waited for so many times, then passed over

/** Speeds of playing, in kept steps of four a second. */
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];

/** The time of one page. ready(step): whether what that step shows is loaded. */
export class Clock {
  constructor(ready) {
    this.ready = ready;
    this.steps = [];
    this.unit = "previewOf"; // the word for one of the steps: a preview, or an update where no previews were kept
    this.total = 1;
    this.end = 0;
    this.running = false;
    this.phases = [];
    this.events = [];
    this.timer = 0;
    this.changed = () => {};
  }

  get following() {
    return state().at === undefined;
  }

  get last() {
    return this.steps.length ? this.steps[this.steps.length - 1] : this.end;
  }

  /** Real samples shown at the step that is shown. */
  get at() {
    return this.following ? this.last : this.snap(Number(state().at));
  }

  get index() {
    return nearest(this.steps, this.at);
  }

  get speed() {
    return SPEEDS.find((s) => String(s) === state().speed) ?? 1;
  }

  get playing() {
    return this.timer !== 0;
  }

  snap(x) {
    if (!this.steps.length) return Math.min(this.end, Math.max(0, x || 0));
    return this.steps[Math.max(0, nearest(this.steps, x || 0))];
  }

  /** Goes to the kept step nearest to x. At the last step of a running training the bar stays there, until it is told to follow. */
  go(x, remember = false) {
    change({ at: this.snap(x) }, remember);
  }

  follow() {
    this.pause();
    change({ at: null });
  }

  move(by) {
    if (!this.steps.length) return;
    const k = Math.min(this.steps.length - 1, Math.max(0, this.index + by));
    if (k === this.steps.length - 1) change({ at: null });
    else this.go(this.steps[k]);
  }

  first() {
    this.go(0);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.steps.length < 2) return;
    if (this.index >= this.steps.length - 1) this.first();
    let waited = 0;
    const tick = () => {
      this.timer = setTimeout(tick, 1000 / (STEPS_PER_SECOND * this.speed));
      if (!this.ready(this.at) && waited++ < PATIENCE_STEPS) return;
      waited = 0;
      this.move(1);
      if (this.following) this.pause();
    };
    this.timer = setTimeout(tick, 1000 / (STEPS_PER_SECOND * this.speed));
    this.changed();
  }

  pause() {
    if (!this.timer) return;
    clearTimeout(this.timer);
    this.timer = 0;
    this.changed();
  }

  /** Where the game began. */
  get begin() {
    return this.phases.find(([phase]) => phase === "game")?.[1] ?? 0;
  }

  /** The phase at x, null where it is not known. */
  phaseAt(x) {
    const found = this.phases.filter(([, from]) => from <= x);
    return found.length ? found[found.length - 1][0] : this.phases.length ? this.phases[0][0] : null;
  }

  /** What happened in the stretch that ends at x and began at the step before. */
  eventsAt(x) {
    const k = lastUpTo(this.steps, x);
    const from = k > 0 ? this.steps[k - 1] : -1;
    return this.events.filter((e) => e.samples > from && e.samples <= x);
  }
}

const TYPED_INTO = "input, select, textarea, dialog[open], .scroll";

/** The keys of the time bar, wherever the focus is, unless it is on something that has a use for them itself. */
export function listenToKeys(clock) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.(TYPED_INTO) || document.querySelector("dialog[open]")) return;
    const pages = Math.max(2, Math.round(clock.steps.length / 10));
    const actions = { ArrowLeft: () => clock.move(-1), ArrowRight: () => clock.move(1), Home: () => clock.first(), End: () => clock.follow(), " ": () => clock.toggle() };
    if (event.target.closest?.("[role=slider]")) Object.assign(actions, { PageDown: () => clock.move(-pages), PageUp: () => clock.move(pages), ArrowDown: actions.ArrowLeft, ArrowUp: actions.ArrowRight });
    if (!(event.key in actions) || (event.key === " " && event.target.closest?.("button, a, summary, label"))) return;
    event.preventDefault();
    if (event.key !== " ") clock.pause();
    actions[event.key]();
  });
}
