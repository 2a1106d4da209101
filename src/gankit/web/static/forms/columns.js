// Columns of records that are numbers or levels: how far fakes are from real, and drawings of one column or of two.
// Real is filled and blue, fake is an outline and orange.

import { el, svg } from "../dom.js";
import { axisNumber, dayOrTime, extent, figure, histogram } from "../numbers.js";

const BINS = 24;
const MOST_LEVELS = 7;
const DRAWN = 300;

const asNumber = (cell) => (cell === null || cell === "" ? null : Number(cell));

/** Columns that are filled in by number and say nothing of how alike real and fake are. */
const FILLED = new Set(["identifier", "constant"]);

/** Real and fake, {columns, rows, numbers}, as columns: {name, numeric, time, real, fake, levels, gap}; gap in [0, 1], 0 = alike.
 * kinds: of the columns by name. */
export function columnsOf(real, fake, kinds = {}) {
  const known = (record, name, k) => record.numbers?.[name] || record.rows.map((row) => row[k]);
  return fake.columns.flatMap((name, k) => {
    if (FILLED.has(kinds[name])) return [];
    const [r, f] = [known(real, name, k), known(fake, name, k)];
    const cells = [...r, ...f].filter((v) => v !== null && v !== "");
    const numeric = cells.length > 0 && cells.every((v) => Number.isFinite(Number(v))) && new Set(cells).size > 2;
    const column = { name, numeric, time: kinds[name] === "datetime", real: numeric ? r.map(asNumber) : r, fake: numeric ? f.map(asNumber) : f };
    if (!numeric) column.levels = levelsOf(r, f);
    column.gap = numeric ? spreadApart(column.real, column.fake) : column.levels.reduce((sum, l) => sum + Math.abs(l.real - l.fake), 0) / 2;
    return [column];
  });
}

function levelsOf(real, fake) {
  const shares = new Map();
  const tally = (cells, side) => {
    for (const cell of cells) {
      const level = cell === null || cell === "" ? "∅" : String(cell);
      if (!shares.has(level)) shares.set(level, { level, real: 0, fake: 0 });
      shares.get(level)[side] += 1 / cells.length;
    }
  };
  tally(real, "real");
  tally(fake, "fake");
  return [...shares.values()].sort((a, b) => b.real + b.fake - a.real - a.fake);
}

/** The largest distance between two cumulative distributions (Kolmogorov-Smirnov). */
function spreadApart(a, b) {
  const [p, q] = [a, b].map((list) => list.filter((v) => v !== null).sort((x, y) => x - y));
  if (!p.length || !q.length) return p.length === q.length ? 0 : 1;
  let [i, j, most] = [0, 0, 0];
  while (i < p.length && j < q.length) {
    const v = Math.min(p[i], q[j]);
    while (p[i] <= v) i++;
    while (q[j] <= v) j++;
    most = Math.max(most, Math.abs(i / p.length - j / q.length));
  }
  return most;
}

/** Outline of a histogram: shares over cells of equal width. */
export function outline(shares, sx, sy, base) {
  let d = `M${sx(0)} ${base}`;
  shares.forEach((share, k) => (d += `V${sy(share).toFixed(1)}H${sx(k + 1).toFixed(1)}`));
  return `${d}V${base}`;
}

/** A drawing of one column, its name above. */
export function marginal(column) {
  const body = column.numeric ? bars(column) : shares(column);
  const caption = el("figcaption", { title: column.name }, el("span", { class: "name" }, column.name), el("span", { class: "score" }, figure(column.gap)));
  return el("figure", { class: "marginal" }, caption, body);
}

function bars({ name, real, fake, time }) {
  const [low, high] = extent(real) || extent(fake) || [0, 1];
  const [wide, tall] = [240, 110];
  const [r, f] = [histogram(real, low, high, BINS), histogram(fake, low, high, BINS)];
  const edge = (value, other) => (time ? dayOrTime(value, other) : axisNumber(value));
  const top = Math.max(...r, ...f) || 1;
  const sx = (k) => (k / BINS) * wide;
  const sy = (s) => tall - 16 - (s / top) * (tall - 20);
  return svg("svg", { viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": name },
    r.map((s, k) => s && svg("rect", { class: "bar real", x: sx(k) + 0.5, width: wide / BINS - 1, y: sy(s), height: tall - 16 - sy(s) })),
    svg("path", { class: "outline fake", d: outline(f, sx, sy, tall - 16) }),
    svg("text", { class: "x start", x: 0, y: tall - 3 }, edge(low, high)), svg("text", { class: "x end", x: wide, y: tall - 3 }, edge(high, low)));
}

function shares({ name, levels }) {
  const shown = levels.slice(0, MOST_LEVELS);
  const top = Math.max(...shown.flatMap((l) => [l.real, l.fake])) || 1;
  const tall = 110;
  const line = Math.min(26, tall / shown.length);
  return svg("svg", { viewBox: `0 0 240 ${tall}`, role: "img", "aria-label": name }, shown.map((l, k) => [
    svg("text", { class: "level", x: 88, y: (k + 0.5) * line + 4 }, l.level.length > 14 ? `${l.level.slice(0, 13)}…` : l.level, svg("title", {}, l.level)),
    svg("rect", { class: "bar real", x: 94, y: k * line + 2, width: (l.real / top) * 144, height: line - 4 }),
    svg("rect", { class: "outline fake", x: 94, y: k * line + 4, width: Math.max(0.5, (l.fake / top) * 144), height: line - 8 }),
  ]));
}

/** Numbers of a column as places in [0, 1]; levels by rank, moved a little so that they do not lie on each other. */
function places(column, side) {
  if (column.numeric) {
    const [low, high] = extent(column.real) || [0, 1];
    return column[side].map((v) => (v === null ? null : (v - low) / (high - low || 1)));
  }
  const names = column.levels.map((l) => l.level);
  return column[side].map((v, i) => (names.indexOf(v === null || v === "" ? "∅" : String(v)) + 0.2 + 0.6 * ((i * 0.618) % 1)) / names.length);
}

/** A drawing of two columns against each other. */
export function pairing(a, b) {
  const [wide, tall] = [240, 110];
  const path = (side, shape) => {
    const [x, y] = [places(a, side), places(b, side)];
    let d = "";
    for (let i = 0; i < Math.min(DRAWN, x.length); i++) {
      if (x[i] === null || y[i] === null || x[i] < -0.05 || x[i] > 1.05 || y[i] < -0.05 || y[i] > 1.05) continue;
      d += `M${(4 + x[i] * (wide - 8)).toFixed(1)} ${(tall - 4 - y[i] * (tall - 8)).toFixed(1)}${shape}`;
    }
    return d;
  };
  const caption = el("figcaption", { title: `${a.name}, ${b.name}` }, el("span", { class: "name" }, `${a.name} → ${b.name} ↑`));
  return el("figure", { class: "pairing" }, caption, svg("svg", { viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": `${a.name}, ${b.name}` },
    svg("path", { class: "dots real", d: path("real", "m-1.6 0a1.6 1.6 0 1 0 3.2 0a1.6 1.6 0 1 0 -3.2 0") }),
    svg("path", { class: "dots fake", d: path("fake", "m-2.2 0l2.2 -2.2l2.2 2.2l-2.2 2.2z") })));
}

/** Pairs of columns of numbers, those first whose correlation is furthest off; others where there are too few. */
export function pairsOf(columns, wanted) {
  const found = [];
  const some = columns.filter((c) => c.numeric).slice(0, 12);
  for (let i = 0; i < some.length; i++) for (let j = i + 1; j < some.length; j++) found.push([some[i], some[j], Math.abs(together(some[i], some[j], "real") - together(some[i], some[j], "fake"))]);
  found.sort((p, q) => q[2] - p[2]);
  if (!found.length && columns.length > 1) found.push([columns[0], columns[1], 0]);
  return found.slice(0, wanted);
}

function together(a, b, side) {
  const both = a[side].map((v, i) => [v, b[side][i]]).filter(([p, q]) => p !== null && q !== null);
  const n = both.length || 1;
  const mean = (k) => both.reduce((sum, pair) => sum + pair[k], 0) / n;
  const [ma, mb] = [mean(0), mean(1)];
  const sum = (f) => both.reduce((total, pair) => total + f(pair[0] - ma, pair[1] - mb), 0);
  return sum((p, q) => p * q) / (Math.sqrt(sum((p) => p * p) * sum((_, q) => q * q)) || 1);
}
