// Sampling from a checkpoint of a run: which one, how many, what they must satisfy, in which format.

import { el, fill } from "../dom.js";
import { axisNumber, count, dayOrTime } from "../numbers.js";
import { say } from "../words.js";
import { cancelButton, dialog } from "./dialog.js";

/** Asks what to sample, and hands it over as a download. */
export const askToSample = async (run) => {
  const fields = el("div", { class: "fields" }, el("p", { class: "note" }, say("loading")));
  const status = el("p", { class: "status", role: "status" });
  const make = el("button", { type: "submit", class: "primary" }, say("download"));
  const form = el("form", { novalidate: true }, fields, status, el("div", { class: "buttons" }, cancelButton(say("close")), make));
  dialog(say("sampleTitle"), form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    order(run, form, make, status);
  });
  let asked = { conditions: [], formats: [] };
  try {
    asked = await run.from.conditions(run.name);
    if (run.isComing) await run.list; // the step shown is one of it
  } catch (refusal) {
    fill(status, refusal.message || say("serverGone"));
  }
  fill(fields, questions(run, asked));
};

function questions(run, asked) {
  const here = run.previews.model(run.clock.at);
  const best = run.summary.metric?.best_samples ?? run.previews.best;
  const radio = (value, text, on) => el("label", { class: "choice" }, el("input", { type: "radio", name: "at", value, checked: on }), text);
  const field = (name, text, input) => el("label", { class: "field" }, el("span", {}, text), input);
  const formats = asked.formats || [];
  return [
    el("fieldset", {}, el("legend", {}, say("checkpoint")),
      radio("best", best === null || best === undefined ? say("bestModel") : say("bestModelAt", { at: count(best) }), true),
      here !== null && radio(here, say("modelHere", { at: count(here) }), false)),
    el("div", { class: "row" },
      field("n", say("howMany", { noun: run.summary.noun?.[1] || say("records") }), el("input", { name: "n", type: "number", min: 1, max: asked.most, value: Math.min(100, asked.most || 100), required: true, step: 1 })),
      field("seed", say("seed"), el("input", { name: "seed", type: "number", value: 0, step: 1 })),
      formats.length > 0 && field("format", say("format"), el("select", { name: "format" }, formats.map((f) => el("option", { value: f }, f))))),
    asked.most && el("p", { class: "note" }, say("atMost", { n: count(asked.most) })),
    asked.conditions?.length > 0 && el("fieldset", {}, el("legend", {}, say("conditions")), asked.conditions.map((c, i) => condition(c, i))),
  ];
}

/** The field of something that samples can be asked for; empty means any. */
function condition({ name, type, levels, low, high, time }, i) {
  const label = el("span", { title: name }, name);
  if (type === "levels") {
    return el("label", { class: "field", "data-condition": name, "data-type": type }, label, el("select", { name: `where${i}` }, el("option", { value: "" }, say("any")), (levels || []).map((l) => el("option", { value: l }, l))));
  }
  if (type === "range") {
    const shown = (hint, other) => (time ? dayOrTime(hint ?? 0, other ?? 0) : axisNumber(hint ?? 0));
    const end = (which, hint, other) => el("input", { ...(time ? { type: "text" } : { type: "number", step: "any" }), "aria-label": `${name}: ${say(which)}`, placeholder: shown(hint, other) });
    return el("div", { class: "field", "data-condition": name, "data-type": type, role: "group", "aria-label": name }, label, el("span", { class: "range" }, end("from", low, high), "–", end("to", high, low)));
  }
  return el("label", { class: "field", "data-condition": name, "data-type": type }, label, el("input", { type: "text" }));
}

function wishes(form) {
  const where = {};
  for (const field of form.querySelectorAll("[data-condition]")) {
    const name = field.dataset.condition;
    const inputs = [...field.querySelectorAll("input, select")];
    if (field.dataset.type !== "range") {
      if (inputs[0].value !== "") where[name] = inputs[0].value;
      continue;
    }
    const [low, high] = inputs.map((input) => input.value.trim());
    if (low && high) where[name] = `${low}..${high}`;
    else if (low || high) where[name] = low ? `>=${low}` : `<=${high}`;
  }
  return where;
}

async function order(run, form, make, status) {
  const value = (name) => form.elements[name]?.value;
  const at = value("at");
  make.disabled = true;
  fill(status, say("sampling"));
  try {
    const made = await run.from.sample(run.name, {
      at: at === "best" ? "best" : Number(at), n: Number(value("n")), seed: Number(value("seed") || 0), where: wishes(form), ...(value("format") ? { format: value("format") } : {}),
    });
    hand(made.blob, made.name);
    fill(status, say("downloaded", { name: made.name }));
  } catch (refusal) {
    fill(status, refusal.message || say("serverGone"));
  } finally {
    make.disabled = false;
  }
}

/** Hands a file to the browser to keep. */
function hand(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = el("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
