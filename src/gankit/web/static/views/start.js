// A new run: a file or a built-in set, what was understood of it, the one dial, start.

import { el, fill } from "../dom.js";
import { whole } from "../numbers.js";
import { cancelButton, dialog } from "../panels/dialog.js";
import { source } from "../source.js";
import { kindName, say } from "../words.js";
import { runAddress } from "./card.js";

const BUDGETS = ["60s", "5m", "20m", "1h", "4h", "12h"];
const SHOWN_NAMES = 40;

/** Asks for data, and for how long to train; file: one that was dropped already. */
export function newRun(about, file = null) {
  const chooser = el("input", { type: "file", id: "data-file", onchange: () => chooser.files[0] && upload(chooser.files[0]) });
  const zone = el("label", { class: "zone", for: "data-file" }, el("b", {}, say("dropHere")), el("span", { class: "note" }, say("orChoose")), chooser);
  const builtin = about.builtin || [];
  const sets = el("select", { "aria-label": say("builtin"), onchange: () => sets.value && builtinChosen(sets.value) }, el("option", { value: "" }, say("builtinChoose")), builtin.map((b) => el("option", { value: b.name }, `${b.title} (${kindName(b.kind)})`)));
  const status = el("p", { class: "status", role: "status" });
  const found = el("div", { class: "understood" });
  const budget = el("select", { name: "budget" }, BUDGETS.map((b) => el("option", { value: b }, say(`budget_${b}`, {}, b))));
  const name = el("input", { name: "name", type: "text", autocomplete: "off", maxlength: 80 });
  const start = el("button", { type: "submit", class: "primary", disabled: true }, say("start"));
  const form = el("form", {}, zone, builtin.length > 0 && el("label", { class: "field" }, el("span", {}, say("builtin")), sets), status, found,
    el("div", { class: "row" }, el("label", { class: "field" }, el("span", {}, say("budget")), budget), el("label", { class: "field" }, el("span", {}, say("runName")), name)),
    el("p", { class: "note" }, say("budgetNote")), el("div", { class: "buttons" }, cancelButton(), start));
  dialog(say("newRunTitle"), form);
  let data = null;
  let latest = 0;

  zone.addEventListener("dragover", (event) => (event.preventDefault(), zone.classList.add("over")));
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (event.dataTransfer.files[0]) upload(event.dataTransfer.files[0]);
  });

  async function upload(given) {
    const mine = ++latest;
    data = null;
    start.disabled = true;
    sets.value = "";
    fill(found);
    fill(status, say("reading", { name: given.name }));
    try {
      const answer = await source().upload(given);
      if (mine !== latest) return;
      data = answer.id;
      fill(status);
      fill(found, understood(answer));
      start.disabled = false;
    } catch (refusal) {
      if (mine === latest) fill(status, el("span", { class: "bad" }, refusal.message || say("serverGone")));
    }
  }

  /** A set that the server has already: it can be started at once; what it is comes a moment later. */
  async function choose(id, text) {
    const mine = ++latest;
    data = id;
    fill(status);
    fill(found, el("p", {}, text));
    start.disabled = false;
    const answer = await source().understood(id).catch(() => null);
    if (answer && mine === latest) fill(found, el("p", {}, text), understood(answer));
  }

  function builtinChosen(set) {
    const { title, kind } = builtin.find((b) => b.name === set);
    choose(set, say("builtinIs", { title, kind: kindName(kind) }));
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!data) return;
    start.disabled = true;
    fill(status, say("starting"));
    const given = [...form.querySelectorAll("input[name=given]:checked")].map((box) => box.value);
    try {
      const run = await source().start({ data, budget: budget.value, ...(name.value.trim() ? { name: name.value.trim() } : {}), given });
      location.assign(runAddress(run));
    } catch (refusal) {
      fill(status, el("span", { class: "bad" }, refusal.message || say("serverGone")));
      start.disabled = false;
    }
  });
  if (file) upload(file);
  else if (about.offered) choose(about.offered.id, say("offered", { name: about.offered.name }));
}

const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** What was made of a file, to be looked over before anything starts. */
function understood(answer) {
  const columns = answer.columns || [];
  const facts = [
    [say("kind"), kindName(answer.kind)],
    [capitalised(say("records")), answer.split ? say("splitOf", { all: whole(answer.records), train: whole(answer.split.train), heldout: whole(answer.split.heldout) }) : whole(answer.records)],
    columns.length > 0 && [say("columns"), columns.slice(0, SHOWN_NAMES).map((c) => `${c.name} (${c.kind})`).join(", ") + (columns.length > SHOWN_NAMES ? " …" : "")],
    answer.fed && [say("fedAs"), answer.fed],
  ];
  return [
    el("h3", {}, say("understood", { name: answer.name })),
    el("dl", { class: "facts" }, facts.filter(Boolean).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    answer.notes?.length > 0 && el("details", {}, el("summary", {}, say("decided", { n: answer.notes.length })), el("ul", {}, answer.notes.map((n) => el("li", { class: "note" }, n)))),
    columns.length > 1 && answer.kind === "table" && el("details", {}, el("summary", {}, say("conditionOn")), el("fieldset", { class: "boxes" }, el("legend", { class: "note" }, say("conditionNote")), columns.slice(0, SHOWN_NAMES).map((c) => el("label", { class: "choice" }, el("input", { type: "checkbox", name: "given", value: c.name }), c.name)))),
  ];
}
