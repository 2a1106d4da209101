// What the lesson learns: built-in data, drawn, pasted, or columns of a file.

import { el, fill } from "../dom.js";
import { cancelButton, dialog } from "../panels/dialog.js";
import { source } from "../source.js";
import { say } from "../words.js";
import { textOfNumbers } from "./address.js";
import { DensityPad, SprayPad } from "./pads.js";
import { fieldOf, press } from "./parts.js";
import { tell } from "./texts.js";

const LEAST_RECORDS = 8;
const MOST_RECORDS = 20000;

/** The chooser of data of a table; beside: the button of a second run, which ends its line. */
export class DataChooser {
  constructor(table, beside) {
    this.table = table;
    this.choice = el("select", { onchange: () => this.chosen() }, table.about.data.map((d) => el("option", { value: d.name }, tell(`data_${d.name}`, {}, d.title))), el("option", { value: "own", hidden: true }, tell("data_own")));
    this.columns = el("div", { class: "columns" });
    this.element = el("div", { class: "tools datatools" }, fieldOf(tell("data"), this.choice), el("span", { class: "buttons", role: "group", "aria-label": tell("ownData") }, el("span", { class: "note" }, tell("ownData")), press(tell("draw1Short"), () => this.draw(1)), press(tell("draw2Short"), () => this.draw(2)), press(tell("pasteShort"), () => this.paste()), press(tell("fileShort"), () => this.file())), this.columns, el("span", { class: "spring" }), beside);
  }

  /** Opens all sides on other data, from step 0. */
  async use(data) {
    const { table } = this;
    const sides = table.sides.length && !table.show ? table.sides : [{ letter: "A", settings: { ...table.defaults } }]; // what was made to fail is not kept
    await table.open(sides.map((s) => ({ letter: s.letter, settings: s.settings, moves: [] })), { data, show: null });
    this.show();
  }

  chosen() {
    if (this.choice.value !== "own") this.use(this.choice.value);
  }

  show() {
    const { data, sides, about } = this.table;
    const builtin = about.data.some((d) => d.name === data);
    this.choice.value = builtin ? data : "own";
    this.choice.lastChild.hidden = builtin;
    const side = sides[0];
    fill(this.columns, data.startsWith("file:") && side?.offered.length > 1 && this.columnChoice(side));
  }

  /** One or two columns of a file; without a choice all of them, projected. */
  columnChoice(side) {
    const { data } = this.table;
    const upload = data.slice(5).split(",")[0];
    const all = data.slice(5).split(",").length === 1 || side.columns.length > 2;
    const first = el("select", {}, el("option", { value: "" }, tell("allColumns", { n: side.offered.length })), side.offered.map((c) => el("option", { value: c }, c)));
    const second = el("select", {}, el("option", { value: "" }, tell("noColumn")), side.offered.map((c) => el("option", { value: c }, c)));
    if (!all) [first.value, second.value] = [side.columns[0], side.columns[1] || ""];
    second.disabled = first.value === "";
    const take = () => this.use(`file:${[upload, first.value, first.value && second.value !== first.value ? second.value : ""].filter(Boolean).map(encodeURIComponent).join(",")}`);
    first.addEventListener("change", take);
    second.addEventListener("change", take);
    return [fieldOf(tell("firstColumn"), first), fieldOf(tell("secondColumn"), second)];
  }

  draw(dim) {
    const pad = dim === 1 ? new DensityPad() : new SprayPad();
    const status = el("p", { class: "status", role: "status" });
    const form = el("form", {}, el("p", { class: "note" }, tell(dim === 1 ? "draw1Note" : "draw2Note")), pad.element, status, el("div", { class: "buttons" }, press(tell("clear"), () => pad.clear()), cancelButton(), el("button", { type: "submit", class: "primary" }, tell("useThis"))));
    const box = dialog(tell(dim === 1 ? "draw1" : "draw2"), form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (pad.count < LEAST_RECORDS) return void fill(status, el("span", { class: "bad" }, tell("tooFew", { n: LEAST_RECORDS })));
      box.close();
      this.use(pad.text);
    });
  }

  paste() {
    const area = el("textarea", { rows: 9, spellcheck: "false" });
    const status = el("p", { class: "status", role: "status" });
    const form = el("form", {}, el("p", { class: "note" }, tell("pasteNote")), fieldOf(tell("numbers"), area), status, el("div", { class: "buttons" }, cancelButton(), el("button", { type: "submit", class: "primary" }, tell("useThis"))));
    const box = dialog(tell("paste"), form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const found = parsed(area.value);
      if (found.problem) return void fill(status, el("span", { class: "bad" }, found.problem));
      box.close();
      this.use(textOfNumbers(found.numbers));
    });
  }

  file() {
    const chooser = el("input", { type: "file", onchange: () => chooser.files[0] && upload(chooser.files[0]) });
    const zone = el("label", { class: "zone" }, el("b", {}, say("dropHere")), el("span", { class: "note" }, tell("fileNote")), chooser);
    const status = el("p", { class: "status", role: "status" });
    const box = dialog(tell("file"), el("form", {}, zone, status, el("div", { class: "buttons" }, cancelButton())));
    const upload = async (given) => {
      fill(status, say("reading", { name: given.name }));
      try {
        const { id } = await source().upload(given);
        await this.use(`file:${id}`);
        if (this.table.refusal) fill(status, el("span", { class: "bad" }, this.table.refusal.message));
        else box.close();
      } catch (refusal) {
        fill(status, el("span", { class: "bad" }, refusal.message || say("serverGone")));
      }
    };
    for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
      zone.addEventListener(name, (event) => {
        event.preventDefault();
        zone.classList.toggle("over", over);
        if (name === "drop" && event.dataTransfer.files[0]) upload(event.dataTransfer.files[0]);
      });
    }
  }
}

/** Numbers, or pairs where most lines hold two; a first line of names is left out. */
function parsed(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean).map((line) => line.split(/[\s,;]+/).filter(Boolean));
  if (lines.length > 1 && lines[0].every((cell) => !Number.isFinite(Number(cell)))) lines.shift();
  const wrong = lines.flat().find((cell) => !Number.isFinite(Number(cell)));
  if (wrong !== undefined) return { problem: tell("notNumber", { text: wrong.slice(0, 20) }) };
  const pairs = lines.length >= LEAST_RECORDS && lines.every((line) => line.length === 2);
  const numbers = pairs ? lines.map((line) => line.map(Number)) : lines.flat().map(Number);
  if (numbers.length < LEAST_RECORDS) return { problem: tell("tooFew", { n: LEAST_RECORDS }) };
  return numbers.length > MOST_RECORDS ? { problem: tell("tooMany", { n: MOST_RECORDS }) } : { numbers };
}
