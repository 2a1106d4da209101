// How often what grows is drawn: a drawing costs the processor that trains. Every second while somebody uses the page;
// else so rarely that drawing takes a small share of the time, at least every LONGEST_MS.

const SHORTEST_MS = 1000;
const LONGEST_MS = 5000;
const SHARE = 0.003; // of the time, at most, while nobody uses the page
const USED_MS = 10000; // after an action the page is in use for so long

const paces = new Set();
let used = performance.now();
let cost = 0; // what the last drawing took, until the browser had painted it

/** Does things once in a while, however often they are asked for. */
export class Pace {
  constructor() {
    this.due = new Map();
    paces.add(this);
  }

  /** Does `act` after a pause, once: `what` names it. */
  soon(what, act) {
    if (this.due.has(what)) return;
    const timer = setTimeout(() => this.now(what), pause());
    this.due.set(what, { timer, act });
  }

  now(what) {
    const { timer, act } = this.due.get(what);
    clearTimeout(timer);
    this.due.delete(what);
    const begin = performance.now();
    act();
    requestAnimationFrame(() => setTimeout(() => (cost = performance.now() - begin)));
  }
}

function pause() {
  if (performance.now() - used < USED_MS) return SHORTEST_MS;
  return Math.min(Math.max(cost / SHARE, SHORTEST_MS), LONGEST_MS);
}

function use() {
  const idle = performance.now() - used > USED_MS;
  used = performance.now();
  if (idle) for (const pace of paces) for (const what of [...pace.due.keys()]) pace.now(what);
}

for (const kind of ["pointermove", "pointerdown", "keydown", "wheel", "focus"]) addEventListener(kind, use, { passive: true, capture: true });
