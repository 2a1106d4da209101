// You are D: ten records, one at a time; real or fake? Then one's accuracy, precision and recall beside D's.

import { el, fill, svg } from "../dom.js";
import { axisNumber, percent, ticks } from "../numbers.js";
import { source } from "../source.js";
import { judged, scoreTable } from "../panels/judged.js";
import { say } from "../words.js";
import { press } from "./parts.js";
import { tell } from "./texts.js";

const ROUNDS = 10;
const BOX = { most: 540, high: 150, edge: 14 };

/** The panel of the player. */
export class RoundPanel {
  constructor(table) {
    this.table = table;
    this.body = el("div", { class: "rounds" });
    this.seed = 0;
    this.element = el("section", { class: "panel round", "aria-labelledby": "round-title" }, el("h2", { id: "round-title" }, tell("youAreD")), this.body);
    this.reset();
  }

  /** Back to the question whether to play. */
  reset() {
    this.items = null;
    fill(this.body, el("p", { class: "note" }, tell("youAreDNote")), press(tell("roundBegin"), () => this.begin(), { class: "primary" }));
  }

  async begin() {
    const side = this.table.sides[0];
    this.table.pause();
    try {
      const found = await this.table.alive(side, (id) => source().learnRound(id, { count: ROUNDS, seed: ++this.seed }));
      this.items = found.items;
    } catch (refusal) {
      return void fill(this.body, el("p", { class: "warn" }, refusal.message || say("serverGone")), press(tell("roundBegin"), () => this.begin()));
    }
    this.picture = side.picture;
    this.calls = [];
    this.ask();
  }

  ask(last = null) {
    const k = this.calls.length;
    const item = this.items[k];
    const call = (real) => {
      this.calls.push([real, item.real]);
      if (this.calls.length < this.items.length) this.ask(item);
      else this.end();
    };
    const realButton = press(tell("callReal"), () => call(true), { class: "callreal" });
    const values = item.x.map((v) => axisNumber(Number(v.toPrecision(4)))).join(", ");
    fill(this.body, el("p", { class: "status", role: "status" }, last && `${tell(this.calls[k - 1][0] === last.real ? "wasRight" : "wasWrong")} ${tell(last.real ? "wasReal" : "wasFake", { d: percent(last.d) })}`),
      el("p", {}, tell("roundOf", { k: k + 1, n: this.items.length }), " ", el("b", { class: "value" }, item.x.length > 1 ? `(${values})` : values)),
      this.drawing(item), el("p", { class: "note" }, tell("roundHelp")), el("div", { class: "buttons" }, realButton, press(tell("callFake"), () => call(false), { class: "callfake" })));
    realButton.focus({ preventScroll: true });
  }

  /** The record on its axis, over what D saw in training. */
  drawing(item) {
    const { picture } = this;
    const wide = Math.min(BOX.most, this.body.clientWidth || BOX.most);
    const plot = svg("svg", { class: "roundplot", viewBox: `0 0 ${wide} ${BOX.high + 20}`, role: "img", "aria-label": tell("roundFigure") });
    const inner = wide - 2 * BOX.edge;
    const lonely = item.x.length === 1;
    const [low, high] = lonely ? [picture.edges[0], picture.edges[picture.edges.length - 1]] : [picture.x[0], picture.x[picture.x.length - 1]];
    const sx = (x) => BOX.edge + Math.min(1, Math.max(0, (x - low) / (high - low))) * inner;
    const scale = ticks(low, high, 6).map((x) => svg("text", { class: "x", x: sx(x), y: BOX.high + 16 }, axisNumber(x)));
    const base = svg("line", { class: "rule", x1: BOX.edge, x2: wide - BOX.edge, y1: BOX.high, y2: BOX.high });
    if (lonely) {
      const top = Math.max(...picture.p);
      const bars = picture.p.map((p, k) => svg("rect", { class: "bar real faint", x: sx(picture.edges[k]), width: Math.max(1, sx(picture.edges[k + 1]) - sx(picture.edges[k]) - 1), y: BOX.high - (p / top) * 110, height: (p / top) * 110 }));
      return fill(plot, bars, base, scale, svg("path", { class: "asked", d: `M${sx(item.x[0])} ${BOX.high + 2}V14m-6 0h12` }));
    }
    const [bottom, top] = [picture.y[0], picture.y[picture.y.length - 1]];
    const sy = (y) => BOX.high - Math.min(1, Math.max(0, (y - bottom) / (top - bottom))) * (BOX.high - 6);
    const dots = picture.real.map(([x, y]) => `M${sx(x).toFixed(1)} ${sy(y).toFixed(1)}m-1.5 0a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0 -3 0`).join("");
    return fill(plot, svg("path", { class: "dots real faint", d: dots }), base, scale, svg("path", { class: "asked", d: `M${sx(item.x[0]) - 9} ${sy(item.x[1])}h18m-9 -9v18` }));
  }

  end() {
    const rows = [[tell("you"), judged(this.calls)], ["D", judged(this.items.map((i) => [i.d > 0.5, i.real]))]];
    const better = Math.sign(rows[0][1].accuracy - rows[1][1].accuracy);
    fill(this.body, el("p", { role: "status" }, tell(better > 0 ? "youWon" : better < 0 ? "dWon" : "evenGame")),
      scoreTable(rows),
      el("p", { class: "note" }, tell("roundMeaning")), press(tell("roundAgain"), () => this.begin(), { class: "primary" }));
  }
}
