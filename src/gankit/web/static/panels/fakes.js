// The fakes of the step that is shown, in the form of their kind; the nearest loaded preview until the exact one arrives.

import { el, fill, write } from "../dom.js";
import { drawingOf } from "../forms/choose.js";
import { count } from "../numbers.js";
import { change, state } from "../state.js";
import { say } from "../words.js";

/** The panel of a run's fakes. picks: whether a fake can be chosen, to see its neighbours. */
export class FakesPanel {
  constructor(run, picks = true) {
    this.run = run;
    this.picks = picks && !run.from.saved;
    this.note = el("span", { class: "score", role: "status" });
    this.body = el("div", { class: "form" });
    this.element = el("section", { class: "panel fakes", "aria-labelledby": "fakes-title" }, el("div", { class: "between" }, el("h2", { id: "fakes-title" }, say("fakes")), this.note), this.body);
    this.form = null;
    this.showing = null;
    this.empty("loadingPreviews");
  }

  empty(key) {
    if (!this.form && this.said !== key) fill(this.body, el("p", { class: "empty" }, say((this.said = key))));
  }

  /** After the run, its list of previews or the step shown changed, or a preview arrived. */
  update() {
    const { previews, clock, about } = this.run;
    this.body.dataset.form = previews.form || about.form || "";
    if (!previews.form || !previews.steps.length) {
      if (this.run.summary.state === "new") this.empty("noPreviewsYet");
      else if (this.run.listed) this.empty(this.run.summary.state === "running" || this.run.summary.state === "new" ? "noPreviewsYet" : "noPreviews");
      return;
    }
    const step = previews.step(clock.at);
    previews.wish(step, clock.playing ? 6 : 2);
    const found = previews.closest(step);
    if (!found) return this.empty(previews.failed.has(step) ? "previewFailed" : "loadingPreviews");
    if (!this.form) {
      this.form = drawingOf(previews.form, {
        about,
        count: () => previews.count,
        labelled: (i) => say("fakeNumber", { n: i + 1 }),
        pick: this.picks ? (i) => change({ pick: state().pick === String(i) ? null : i }, true) : null,
        clip: about.kind === "audio" && !about.saved ? (at, i) => this.clip(at, i) : null,
      });
      const choose = el("button", { type: "button", class: "quiet", onclick: () => change({ pick: 0 }, true) }, say("chooseFake"));
      fill(this.body, this.form.element, this.picks && this.form.clicked && el("p", { class: "note" }, say("clickFake"), " ", choose));
    }
    if (found.record !== this.showing?.record || this.run.real !== this.shownReal) {
      this.showing = found;
      this.shownReal = this.run.real;
      this.form.show(found, this.run.real);
      this.form.element.dataset.samples = found.samples;
    }
    this.form.mark(state().pick === undefined ? null : Number(state().pick));
    const exact = found.samples === step;
    write(this.note, exact ? say("previewAt", { at: count(step) }) : previews.failed.has(step) ? say("previewFailed") : say("previewNear", { at: count(found.samples), wanted: count(step) }));
  }

  clip(at, i) {
    const model = this.run.previews.model(at);
    return model === null ? null : this.run.from.clip(this.run.name, model, i);
  }
}
