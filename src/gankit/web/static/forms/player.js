// The players of audio clips: one clip sounds at a time; when the time bar moves, the same clip goes on from the same
// moment as the model of the new step makes it.

import { el } from "../dom.js";
import { say } from "../words.js";

/** Players over the cells of a grid. view.clip(samples, i) gives the address of a clip, or null where no model was kept. */
export class ClipPlayer {
  constructor(view) {
    this.view = view;
    this.sound = new Audio();
    this.playing = null;
    this.samples = null;
    this.head = el("div", { class: "playhead" });
    this.sound.addEventListener("ended", () => this.stop());
    this.sound.addEventListener("error", () => this.playing !== null && this.stop());
  }

  decorate(cells) {
    this.cells = cells;
    this.buttons = cells.buttons.map((_, i) => {
      const [x, y] = cells.corner(i);
      const button = el("button", { type: "button", class: "play", "aria-label": say("playClip", { n: i + 1 }), onclick: () => this.toggle(i) }, "▶");
      Object.assign(button.style, { left: `${x + 4}px`, top: `${y + cells.high - 30}px` });
      return button;
    });
    cells.over.append(...this.buttons, this.head);
  }

  /** The step that is shown now. */
  step(samples) {
    if (samples === this.samples) return;
    this.samples = samples;
    if (this.playing !== null) this.play(this.playing, this.sound.currentTime);
  }

  toggle(i) {
    if (this.playing === i) this.stop();
    else this.play(i, 0);
  }

  play(i, from) {
    const address = this.view.clip(this.samples, i);
    if (!address) return this.stop();
    this.stop();
    this.playing = i;
    if (this.sound.getAttribute("src") !== address) this.sound.src = address;
    this.sound.currentTime = from;
    this.sound.play().catch((error) => error.name !== "AbortError" && this.stop()); // aborted: another clip was asked for
    this.buttons[i].textContent = "■";
    this.buttons[i].setAttribute("aria-pressed", "true");
    this.head.classList.add("shown");
    this.follow();
  }

  stop() {
    if (this.playing === null) return;
    const button = this.buttons[this.playing];
    button.textContent = "▶";
    button.removeAttribute("aria-pressed");
    this.playing = null;
    this.sound.pause();
    this.head.classList.remove("shown");
  }

  follow() {
    if (this.playing === null) return;
    const [x, y] = this.cells.corner(this.playing);
    const share = this.sound.duration ? this.sound.currentTime / this.sound.duration : 0;
    Object.assign(this.head.style, { left: `${x + share * this.cells.wide}px`, top: `${y}px`, height: `${this.cells.high}px` });
    requestAnimationFrame(() => this.follow());
  }
}
