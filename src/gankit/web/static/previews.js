// The previews of one run: which there are, those that are loaded, and what is fetched next. The newest wish goes first;
// a few neighbours follow; what was long not shown is forgotten.

import { lastUpTo, nearest } from "./numbers.js";

const KEPT = 160;
const AT_ONCE = 2;

/** Previews of a run, fetched when they are wished for. `arrived(samples)` is called for each. */
export class Previews {
  constructor(from, name, arrived) {
    this.from = from;
    this.name = name;
    this.arrived = arrived;
    this.form = null;
    this.steps = [];
    this.about = new Map();
    this.loaded = new Map();
    this.failed = new Set();
    this.underway = new Set();
    this.wishes = [];
    this.real = null;
  }

  /** Takes the server's list of kept steps. */
  list(found) {
    if (this.version !== undefined && this.version !== found.version) this.forget(); // the run was made anew under its name
    this.version = found.version;
    this.form = found.form;
    this.count = found.count;
    this.steps = found.steps.map((s) => s.samples).sort((a, b) => a - b);
    this.about = new Map(found.steps.map((s) => [s.samples, s]));
    this.hasReal = found.real;
  }

  forget() {
    this.loaded.clear();
    this.failed.clear();
    this.real = null;
  }

  /** The kept step nearest to `at`, null where none is kept. */
  step(at) {
    return this.steps.length ? this.steps[nearest(this.steps, at)] : null;
  }

  /** The newest kept model up to `at`, else the first; null where none is kept. */
  model(at) {
    const kept = this.steps.filter((s) => this.about.get(s).model);
    return kept.length ? kept[Math.max(0, lastUpTo(kept, at))] : null;
  }

  /** The loaded preview nearest to `at`: {samples, record, surface}, or null. */
  closest(at) {
    let best = null;
    for (const samples of this.loaded.keys()) if (best === null || Math.abs(samples - at) < Math.abs(best - at)) best = samples;
    return best === null ? null : { samples: best, ...this.loaded.get(best) };
  }

  /** Wishes for the preview of a step, and for `ahead` more steps forwards (and one back) after it. */
  wish(step, ahead = 2) {
    if (step === null) return;
    const k = this.steps.indexOf(step);
    const around = [];
    for (let i = 1; i <= ahead; i++) around.push(this.steps[k + i]);
    around.push(this.steps[k - 1]);
    this.wishes = [step, ...around].filter((s) => s !== undefined && !this.loaded.has(s) && !this.underway.has(s) && !this.failed.has(s));
    if (this.loaded.has(step)) this.touch(step);
    this.pump();
  }

  touch(step) {
    const record = this.loaded.get(step);
    this.loaded.delete(step);
    this.loaded.set(step, record);
  }

  pump() {
    while (this.wishes.length && this.underway.size < AT_ONCE) this.load(this.wishes.shift());
  }

  async load(step) {
    this.underway.add(step);
    try {
      const [record, surface] = await Promise.all([
        this.from.preview(this.name, this.form, step, this.version),
        this.about.get(step)?.surface ? this.from.surface(this.name, step, this.version).catch(() => null) : null,
      ]);
      this.loaded.set(step, { record, surface });
      while (this.loaded.size > KEPT) this.loaded.delete(this.loaded.keys().next().value);
      this.arrived(step);
    } catch (refusal) {
      if (refusal.status !== 0) this.failed.add(step);
    } finally {
      this.underway.delete(step);
      this.pump();
    }
  }

  /** The held-out records in the same form, null where there are none. */
  async held() {
    if (!this.real && this.hasReal) {
      this.real = await this.from.preview(this.name, this.form, "real", this.version).catch(() => null);
    }
    return this.real;
  }
}
