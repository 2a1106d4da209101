// One run as the page holds it: summary, curves, previews and the clock, kept up to date by the server's events.
// Knows no panels: it calls changed(...what) with "summary", "curves", "previews", "preview", "at", "zoom" or "state".

import { Clock } from "./clock.js";
import { Pace } from "./pace.js";
import { Previews } from "./previews.js";
import { said } from "./said.js";
import { source } from "./source.js";
import { state } from "./state.js";

const POINTS = 1500;
const MOST_POINTS = 4000; // after so many the curves are asked for again, thinned
const BEGINNING_MS = 1000; // between two questions whether a training has begun

/** A run that is shown. */
export class Run {
  constructor(name, changed) {
    this.name = name;
    this.from = source();
    this.changed = changed;
    this.clock = new Clock((step) => this.previews.loaded.has(step) || this.previews.failed.has(step));
    this.previews = new Previews(this.from, name, () => changed("preview"));
    this.curves = null;
    this.fine = null;
    this.listed = false; // whether it is known which previews there are
    this.list = new Promise((has) => (this.hasList = has));
    this.real = null;
    this.asked = false;
    this.coming = null; // what has come of the summary since it was drawn
    this.grown = false; // whether the curves have
    this.opened = () => {}; // what to do once it is known what the run is
    this.pace = new Pace();
  }

  /** Fetches what there is: what the run is, then its curves, then its previews, which may take longest. */
  async open() {
    this.take(await this.from.run(this.name));
    this.opened();
    await this.beginning();
    await Promise.all([this.loadCurves(), this.loadPreviews()]);
    this.from.follow(this.name, (kind, data) => this.told(kind, data));
  }

  /** Waits for a training that was only just started. */
  async beginning() {
    while (this.summary.state === "new" && !this.from.saved) {
      await new Promise((later) => setTimeout(later, BEGINNING_MS));
      await this.from.run(this.name).then((summary) => this.take(summary), (refusal) => this.gone(refusal));
    }
  }

  /** Whether something of it has not come yet. A run that only just begins has nothing that could come. */
  get isComing() {
    return this.summary.state !== "new" && !(this.listed && this.curves);
  }

  take(summary) {
    this.know(summary);
    this.changed("summary");
  }

  know(summary) {
    this.summary = { ...this.summary, ...summary };
    this.about = { ...this.summary, saved: this.from.saved };
    this.clock.running = this.summary.state === "running";
    if (this.summary.state !== "running") this.asked = false;
    this.measure();
  }

  /** Says that the run is not there any more, where that is why an answer did not come. */
  gone(refusal) {
    if (refusal.status === 404) this.take({ state: "failed", why: refusal.message });
  }

  /** The length of the time bar: as planned while the training runs, else what there is. */
  measure() {
    const { state: now, total_samples: planned, samples } = this.summary;
    this.clock.total = Math.max(now === "running" || now === "new" ? planned || 0 : 0, this.clock.end || samples || 0, 1);
  }

  async loadCurves() {
    try {
      this.curves = await this.from.curves(this.name, POINTS);
    } catch (refusal) {
      if (refusal.status === 0) return;
      this.curves ??= { samples: [], evaluations: { samples: [] }, events: [], phase: [] };
    }
    this.settle();
    this.changed("curves");
    this.loadFine();
  }

  /** The curves of the stretch that is zoomed to, in full; until they come the coarse ones are shown. */
  async loadFine() {
    const zoom = state().zoom;
    const [from, to] = (zoom || "").split(",").map(Number);
    if (!(to > from) || this.fine?.zoom === zoom) return;
    const curves = await this.from.curves(this.name, POINTS, from, to).catch(() => null);
    if (!curves || state().zoom !== zoom) return;
    this.fine = { zoom, curves };
    this.changed("zoom");
  }

  async loadPreviews() {
    let found;
    try {
      found = await this.from.previews(this.name);
    } catch (refusal) {
      this.listed ||= refusal.status !== 0;
      if (this.listed) this.hasList();
      return this.changed("previews");
    }
    if (found.steps.length && !this.about.shape) this.take(await this.from.run(this.name).catch(() => this.summary)); // it was not known before the first preview
    this.previews.list(found);
    this.previews.best = found.best;
    this.listed = true;
    this.hasList();
    this.settle();
    this.changed("previews");
    const real = await this.previews.held();
    if (real && real !== this.real) {
      this.real = real;
      this.changed("previews");
    }
  }

  /** What follows from curves and previews for the clock. */
  settle() {
    const { clock, curves, previews } = this;
    const last = curves?.samples.length ? curves.samples[curves.samples.length - 1] : 0;
    clock.end = Math.max(last, previews.steps[previews.steps.length - 1] || 0);
    this.measure();
    clock.steps = previews.steps.length ? previews.steps : curves?.samples || [];
    clock.unit = previews.steps.length ? "previewOf" : "updateOf";
    clock.phases = curves?.phase || [];
    const events = (curves?.events || []).filter((e) => Number.isFinite(e.samples));
    const best = events.filter((e) => e.kind === "best").pop();
    clock.events = events.map((e) => ({ ...e, marked: e.kind !== "planned" && (e.kind !== "best" || e === best), lines: [said(e.text), said(e.remedy)].filter(Boolean) }));
  }

  told(kind, data) {
    if (kind === "again" || data?.reload) {
      this.pace.soon("summary", () => this.from.run(this.name).then((summary) => this.take(summary), (refusal) => this.gone(refusal)));
      this.pace.soon("curves", () => this.loadCurves());
      this.pace.soon("previews", () => this.loadPreviews());
    } else if (kind === "state") {
      const ends = data.state !== this.summary.state;
      this.coming = { ...this.coming, ...data };
      if (ends) this.draw();
      else this.pace.soon("draw", () => this.draw());
    } else if (kind === "preview") this.pace.soon("previews", () => this.loadPreviews());
    else if (kind === "log") {
      for (const row of data.rows) this.append(row);
      if (this.curves && this.curves.samples.length > MOST_POINTS) this.pace.soon("curves", () => this.loadCurves());
      else {
        this.grown = true;
        this.pace.soon("draw", () => this.draw());
      }
    }
  }

  /** Shows what has come since it was last drawn, all of it at once: a drawing costs the processor that trains. */
  draw() {
    const news = [this.coming && "summary", this.grown && "curves"].filter(Boolean);
    if (this.coming) this.know(this.coming);
    if (this.grown) this.settle();
    this.coming = null;
    this.grown = false;
    if (news.length) this.changed(...news);
  }

  append(row) {
    const { curves } = this;
    if (!curves) return;
    const last = curves.samples[curves.samples.length - 1];
    if (last !== undefined && row.samples <= last) return;
    const shown = Number((this.fine?.zoom || "").split(",")[1]);
    for (const drawn of row.samples <= shown ? [curves, this.fine.curves] : [curves]) {
      for (const [key, list] of Object.entries(drawn)) if (Array.isArray(list) && key !== "phase" && key !== "events") list.push(row[key] ?? null);
    }
    if (row.evaluation) for (const [key, list] of Object.entries(curves.evaluations)) list.push(row.evaluation[key] ?? null);
    curves.events.push(...(row.events || []));
    const phase = curves.phase[curves.phase.length - 1];
    if (phase && phase[0] === row.phase) phase[2] = row.samples;
    else if (row.phase) curves.phase.push([row.phase, last ?? 0, row.samples]);
  }
}
