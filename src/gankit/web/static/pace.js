// How often what grows is drawn: a drawing costs the processor that trains. Every second while somebody uses the page,
// else seldom.

const USED_PAUSE_MS = 1000;
const ALONE_PAUSE_MS = 5000;
const USED_MS = 10000; // after an action the page is in use for so long

const paces = new Set();
let used = performance.now();

const inUse = () => performance.now() - used < USED_MS;

/** Does things once in a while, however often they are asked for. */
export class Pace {
  constructor() {
    this.due = new Map();
    paces.add(this);
  }

  /** Does `act` after a pause, once: `what` names it. */
  soon(what, act) {
    if (this.due.has(what)) return;
    const timer = setTimeout(() => this.now(what), inUse() ? USED_PAUSE_MS : ALONE_PAUSE_MS);
    this.due.set(what, { timer, act });
  }

  now(what) {
    const { timer, act } = this.due.get(what);
    clearTimeout(timer);
    this.due.delete(what);
    act();
  }
}

function use() {
  const alone = !inUse();
  used = performance.now();
  if (alone) for (const pace of paces) for (const what of [...pace.due.keys()]) pace.now(what);
}

for (const kind of ["pointermove", "pointerdown", "keydown", "wheel", "focus"]) addEventListener(kind, use, { passive: true, capture: true });
