// The table at which the game is played: one lesson or two beside each other, and who moves next. Knows no drawings.

import { source } from "../source.js";
import { change, state } from "../state.js";
import { entriesOf, movedOn, movesAt, orderOf, settingsAt } from "./address.js";

const MOST_POINTS_KEPT = 600;
const FRAMES = 60; // in which the moves of "show me" are played
const SLOW_MS = 700;

/** Steps of one request of playing; 0 is one step, with a rest after it. */
export const PACES = [0, 1, 5, 20, 50];

/** Steps to which a lesson is brought when it is opened again; beyond them a link would not lead back. */
export const MOST_STEPS = 20000;

const nextFrame = () => new Promise((later) => requestAnimationFrame(later));

/** about: what /api/lessons says. changed(what): called with "sides", "picture", "playing", "refused" or "wait". */
export class Table {
  constructor(about, changed) {
    Object.assign(this, { about, changed, sides: [], data: "bells", show: null, plan: [], playing: false, busy: false, refusal: "" });
  }

  get defaults() {
    return this.about.settings;
  }

  get pace() {
    const found = Number(state().pace ?? 1);
    return PACES.includes(found) ? found : 1;
  }

  get shown() {
    return this.about.shows.find((s) => s.name === this.show) || null;
  }

  /** Opens what the address says. */
  async fromAddress() {
    this.pause();
    const letters = state().beside ? ["A", "B"] : ["A"];
    await this.open(letters.map((letter) => ({ letter, settings: settingsAt(letter, this.defaults), moves: movesAt(letter) })), { data: state().data || "bells", show: state().show || null, addressed: true });
  }

  /** Opens sides: [{letter, settings, moves}]; addressed: the address says so already. What was there stays on the table where one is refused. */
  async open(wanted, { data = this.data, show = this.show, addressed = false } = {}) {
    const mine = (this.opening = (this.opening || 0) + 1);
    this.pause();
    const order = orderOf(data);
    if (order === null) return this.refuse({ lost: true });
    this.changed("wait");
    while (this.busy) await nextFrame();
    try {
      const made = [];
      for (const side of wanted) made.push({ ...side, ...(await this.ask(order, side)) });
      if (mine !== this.opening) return false;
      [this.data, this.show] = [data, show];
      this.refusal = "";
      this.sides = made;
    } catch (refusal) {
      return mine === this.opening && this.refuse(refusal);
    }
    this.write(!addressed);
    this.changed("sides");
    return true;
  }

  async ask(order, side) {
    const found = await source().learn({ data: order, settings: side.settings, moves: side.moves });
    const points = found.history.map((p) => ({ step: p.step, d_loss: p.d_loss, g_loss: p.g_loss, distance: p.distance, ...p.scores }));
    return { ...found, history: points };
  }

  refuse(refusal) {
    this.pause();
    this.refusal = refusal;
    this.changed("refused");
    return false;
  }

  /** Both sides, or some of them, from step 0. */
  restart(changes = {}) {
    return this.open(this.sides.map((s) => ({ letter: s.letter, settings: { ...s.settings, ...(changes[s.letter] || {}) }, moves: [] })), { show: null });
  }

  /** Keeps the table in the address; step: "back" undoes it. */
  write(step = false) {
    const [a, b] = ["A", "B"].map((letter) => this.sides.find((s) => s.letter === letter));
    this.writing = true;
    change({ data: this.data === "bells" ? null : this.data, show: this.show, ...entriesOf("A", a, this.defaults), ...entriesOf("B", b, this.defaults) }, step);
    this.writing = false;
  }

  /** Moves sides on. Never two requests at a time: false where one is under way. */
  async step(who, count, letters = this.sides.map((s) => s.letter)) {
    if (this.busy || !this.sides.length) return false;
    if (this.steps + count > MOST_STEPS) return this.refuse({ enough: true });
    this.busy = true;
    const sides = this.sides;
    try {
      for (const side of sides.filter((s) => letters.includes(s.letter))) {
        await this.moved(side, who, count);
        if (sides !== this.sides) return false;
      }
      [this.refusal, this.busy] = ["", false]; // whoever sees the step may ask for the next one
      this.write();
      this.changed("picture");
      return true;
    } catch (refusal) {
      return sides === this.sides && this.refuse(refusal);
    } finally {
      this.busy = false;
    }
  }

  /** Asks something about a lesson; where the server has forgotten it, it is opened again, at the same step. */
  async alive(side, ask) {
    try {
      return await ask(side.id);
    } catch (refusal) {
      if (refusal.status !== 404) throw refusal;
      side.id = (await this.ask(orderOf(this.data), side)).id;
      return ask(side.id);
    }
  }

  async moved(side, who, count) {
    const { turn, picture } = await this.alive(side, (id) => source().learnStep(id, { who, count }));
    Object.assign(side, { turn, picture, moves: movedOn(side.moves, who, count) });
    side.history.push({ step: picture.step, d_loss: turn.d_loss, g_loss: turn.g_loss, distance: picture.distance, ...picture.scores });
    if (side.history.length > MOST_POINTS_KEPT) side.history = side.history.filter((_, i) => i % 2 === 0 || i > side.history.length - 20);
  }

  /** Who moves next while it plays: what is planned, else both for ever. */
  next() {
    const first = this.plan[0];
    if (!first) return this.planned ? null : { who: "both", count: Math.max(1, this.pace) };
    const count = Math.min(first.chunk, first.left);
    first.left -= count;
    if (!first.left) this.plan.shift();
    return { who: first.who, count, letters: first.letters };
  }

  async play() {
    if (this.playing || !this.sides.length) return;
    const mine = (this.round = (this.round || 0) + 1);
    this.playing = true;
    this.changed("playing");
    while (this.playing && mine === this.round) {
      if (this.busy) {
        await nextFrame();
        continue;
      }
      const next = this.next();
      if (!next || (!(await this.step(next.who, next.count, next.letters)) && this.refusal)) break;
      await (this.pace || this.planned ? nextFrame() : new Promise((later) => setTimeout(later, SLOW_MS)));
    }
    if (mine === this.round) this.pause();
  }

  pause() {
    const was = this.playing;
    this.playing = false;
    this.round = (this.round || 0) + 1;
    this.plan = [];
    this.planned = false;
    if (was) this.changed("playing");
  }

  get steps() {
    return Math.max(0, ...this.sides.map((s) => s.picture.step));
  }

  /** Makes moves: played before one's eyes, or at once where motion is not wanted. */
  async perform(wanted, moves, letter, on) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!(await this.open(wanted.map((s) => (calm && s.letter === letter ? { ...s, moves } : s)), on)) || calm) return;
    const total = moves.reduce((sum, [, count]) => sum + count, 0);
    this.planned = true;
    this.plan = moves.map(([who, count]) => ({ who, left: count, chunk: Math.ceil(total / FRAMES), letters: [letter] }));
    await this.play();
  }

  /** Shows what goes wrong on purpose. */
  async demonstrate(name) {
    const found = this.about.shows.find((s) => s.name === name);
    await this.perform([{ letter: "A", settings: { ...this.defaults, ...found.settings }, moves: [] }], found.moves, "A", { data: found.data, show: name });
  }

  /** Plays the cure beside what went wrong. */
  async cure() {
    const found = this.shown;
    const first = this.sides[0];
    await this.perform([{ letter: "A", settings: first.settings, moves: first.moves }, { letter: "B", settings: { ...this.defaults, ...found.settings, ...found.cure }, moves: [] }], [["both", 300]], "B");
  }
}
