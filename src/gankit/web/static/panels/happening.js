// What is happening at the step shown: a sentence from the newest alarms and D's scores, the scores themselves, facts.

import { el, fill, svg, write } from "../dom.js";
import { count, duration, figure, lastUpTo, percent, whole } from "../numbers.js";
import { said } from "../said.js";
import { metricName, phaseName, say } from "../words.js";

/** The last evaluation up to `at` as one object, null where there is none. */
export function evaluationAt(curves, at) {
  const found = curves?.evaluations;
  const k = found?.samples ? lastUpTo(found.samples, at) : -1;
  if (k < 0) return null;
  return Object.fromEntries(Object.entries(found).map(([key, list]) => [key, list?.[k] ?? null]));
}

/** A sentence or two on how the game stands. */
export function sentence(run, at) {
  const { summary, curves, clock } = run;
  if (summary.state === "new" || !curves || !curves.samples.length) return summary.state === "failed" ? say("failedWhy", { why: summary.why || say("unknown") }) : say("notBegun");
  const parts = [];
  const phase = clock.phaseAt(at);
  if (phase && phase !== "game") parts.push(say(phase === "likelihood" ? "inLikelihood" : "inDiscriminator"));
  const seen = evaluationAt(curves, at);
  const alarm = [...clock.events].reverse().find((e) => (e.kind === "alarm" || e.kind === "rollback") && e.samples <= at && (!seen || e.samples >= seen.samples));
  if (alarm) parts.push(capital(said(alarm.text)));
  else if (phase === "game" && seen && seen.accuracy_heldout !== null) {
    const right = seen.accuracy_heldout;
    const how = right < 0.6 ? "dCannotTell" : right < 0.8 ? "dTellsSome" : "dTellsMost";
    parts.push(say(how, { right: percent(right) }));
  }
  const e = curves.evaluations;
  if (seen && seen.metric !== null && e.metric) {
    const upTo = e.metric.slice(0, e.samples.indexOf(seen.samples) + 1).map((m) => m ?? -Infinity);
    const best = e.samples[upTo.indexOf(Math.max(...upTo))];
    const behind = seen.samples - best;
    if (behind <= 0 && upTo.length > 1) parts.push(say("bestNow"));
    else if (behind > 0.2 * seen.samples) parts.push(say("notBetterSince", { at: count(best) }));
  }
  const { samples, total_samples: planned } = summary;
  if (summary.state === "finished" && at >= samples && samples < 0.98 * planned) parts.push(say("endedEarly", { at: count(samples), planned: count(planned) }));
  return parts.join(" ") || say("playing");
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** The panel of what is happening. */
export class HappeningPanel {
  constructor(run) {
    this.run = run;
    this.text = el("p", { class: "sentence", "aria-live": "polite" });
    this.remedy = el("p", { class: "remedy note" });
    this.dial = svg("svg", { class: "dial", viewBox: "0 0 320 96", role: "img" });
    this.facts = el("dl", { class: "facts" });
    this.element = el("section", { class: "panel happening", "aria-labelledby": "now-title" }, el("h2", { id: "now-title" }, say("whatIsHappening")), this.text, this.remedy, el("h3", {}, say("dCallsReal")), this.dial, this.facts);
  }

  update() {
    const { clock, curves, summary } = this.run;
    const at = clock.at;
    this.text.setAttribute("aria-live", clock.playing ? "off" : "polite");
    write(this.text, sentence(this.run, at));
    const seen = evaluationAt(curves, at);
    const alarm = [...clock.events].reverse().find((e) => e.remedy && e.samples <= at && (!seen || e.samples >= seen.samples));
    write(this.remedy, alarm ? said(alarm.remedy) : "");
    this.remedy.hidden = !alarm;
    this.scores(seen);
    const k = curves ? lastUpTo(curves.samples, at) : -1;
    const facts = [
      [say("phase"), clock.phaseAt(at) ? phaseName(clock.phaseAt(at)) : "–"],
      [say("epoch"), summary.records?.train ? figure(at / summary.records.train) : "–"],
      curves?.step && [say("step"), whole(k < 0 ? 0 : curves.step[k])],
      [say("samples"), whole(at)],
      [say("speed"), say("perSecond", { n: count(k < 0 ? null : speedNear(curves.speed, k)) })],
      seen && seen.metric !== null && [metricName(summary.metric), figure(seen.metric)],
      summary.state === "running" && [say("timeLeft"), duration(summary.seconds_left)],
    ];
    fill(this.facts, facts.filter(Boolean).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  }

  /** D's share of "real" on training records, held-out records and fakes, on one line from 0 to 1. */
  scores(seen) {
    const [left, right] = [84, 268];
    const x = (share) => left + share * (right - left);
    const rows = [["train", "recall_train", "train", "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z"], ["heldout", "recall_heldout", "heldout", "M-4.5-4.5H4.5V4.5H-4.5Z"], ["fake", "recall_fake", "fake", "M0-5.5L5.5 4.5H-5.5Z"]];
    this.dial.setAttribute("aria-label", seen ? rows.map(([look, key]) => `${say(look)} ${percent(seen[key])}`).join(", ") : say("noScoresYet"));
    fill(this.dial, rows.map(([look, key, word, d], i) => {
      const y = 14 + i * 26;
      const share = seen?.[key];
      return [
        svg("text", { x: left - 12, y: y + 5, class: "end" }, say(word)),
        svg("line", { class: "rule", x1: left, x2: right, y1: y, y2: y }),
        svg("line", { class: "rule", x1: x(0.5), x2: x(0.5), y1: y - 5, y2: y + 5 }),
        Number.isFinite(share) && share !== null && svg("path", { class: `dot ${look}`, d, transform: `translate(${x(share)} ${y})` }),
        svg("text", { x: 318, y: y + 5, class: "end value" }, percent(share)),
      ];
    }), svg("text", { x: left, y: 93, class: "start" }, "0"), svg("text", { x: right, y: 93, class: "end" }, "1"));
  }
}

function speedNear(speeds, k) {
  for (let i = k; speeds && i >= 0 && i > k - 20; i--) if (speeds[i] !== null && speeds[i] !== undefined) return speeds[i];
  return null;
}
