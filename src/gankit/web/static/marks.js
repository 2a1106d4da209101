// The signs of drawings: of points, which tell series apart without colours, and of events.

/** Outlines of the points of a series, about (0, 0). */
export const SHAPES = { train: "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z", heldout: "M-2.7-2.7H2.7V2.7H-2.7Z", fake: "M0-3.4L3.4 2.6H-3.4Z", ink: "M0-3.6L3.6 0L0 3.6L-3.6 0Z" };

const STAR = "M0-6L1.6-1.9L6-1.7L2.6 1L3.8 5.2L0 2.8L-3.8 5.2L-2.6 1L-6-1.7L-1.6-1.9Z";

/** The outline of an event's mark: a star for the best, a triangle for what went wrong, a small diamond for the rest. */
export function signOf(kind) {
  return kind === "best" ? STAR : kind === "alarm" || kind === "rollback" ? "M0-5L5 4.5H-5Z" : "M0-3.5L3 0L0 3.5L-3 0Z";
}

/** Events whose marks would touch, together: [{x, kind, lines, samples}]; a best one stays by itself. */
export function clustered(events, scale, apart) {
  const out = [];
  const last = {};
  for (const event of events) {
    if (event.marked === false) continue;
    const x = scale(event.samples);
    const kind = event.kind === "alarm" || event.kind === "rollback" || event.kind === "best" ? event.kind : "other";
    const before = last[kind];
    if (before && x - before.x < apart) {
      for (const line of event.lines) if (!before.lines.includes(line) && before.lines.length < 6) before.lines.push(line);
    } else {
      last[kind] = { x, kind: event.kind, lines: [...event.lines], samples: event.samples };
      out.push(last[kind]);
    }
  }
  const order = { other: 0, alarm: 1, rollback: 1, best: 2 };
  return out.sort((a, b) => (order[a.kind] || 0) - (order[b.kind] || 0)); // what matters most is drawn last
}
