// Numbers as people read them, and the scales of drawings. Knows no data and no page.

/** A count in few letters: 950, 60k, 2.34M. */
export function count(n) {
  if (n === null || n === undefined || !Number.isFinite(n)) return "–";
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (Math.abs(n) >= size) return `${trimmed(n / size, 3)}${unit}`;
  }
  return String(Math.round(n));
}

function trimmed(n, digits) {
  const text = n.toPrecision(digits);
  return text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text;
}

/** A whole number with its thousands apart: 1,234,567. */
export function whole(n) {
  return n === null || n === undefined ? "–" : Math.round(n).toLocaleString("en-US");
}

/** A measured number to three digits, a dash where there is none. */
export function figure(n) {
  if (n === null || n === undefined || !Number.isFinite(n)) return "–";
  if (n === 0) return "0";
  const size = Math.abs(n);
  if (size >= 1e4) return count(n).replace("-", "−");
  if (size < 1e-3) return n.toExponential(1).replace("e+", "e").replaceAll("-", "−");
  const text = size >= 1000 ? n.toFixed(0) : size >= 100 ? n.toFixed(1) : size >= 10 ? n.toFixed(2) : n.toFixed(3);
  return text.replace("-", "−");
}

/** A round number beside an axis. */
export function axisNumber(v) {
  const size = Math.abs(v);
  if (v === 0) return "0";
  if (size >= 1e4) return count(v).replace("-", "−");
  if (size < 1e-3) return v.toExponential(0).replace("e+", "e").replaceAll("-", "−");
  return String(Number(v.toPrecision(4))).replace("-", "−");
}

/** A share as whole percent. */
export function percent(share) {
  return share === null || share === undefined || !Number.isFinite(share) ? "–" : `${Math.round(share * 100)} %`;
}

/** A duration: 9 s, 2 min 10 s, 2 h 05 min. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return s < 600 ? `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s` : `${Math.round(s / 60)} min`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
}

/** Round numbers in [low, high], about `wanted` of them. */
export function ticks(low, high, wanted) {
  if (!(high > low)) return [low];
  const raw = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) out.push(Number((k * step).toPrecision(12)));
  return out;
}

/** 1, 2 and 5 times the powers of ten in [low, high]; over wide ranges the powers alone. */
export function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const out = [];
  const every = Math.max(1, Math.ceil(decades / 4));
  for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) {
    if (((e % every) + every) % every) continue;
    for (const m of decades < 1.5 ? [1, 2, 5] : decades < 2.5 ? [1, 3] : [1]) {
      const v = m * 10 ** e;
      if (v >= low && v <= high) out.push(v);
    }
  }
  return out;
}

/** A time in seconds since 1970 beside another one: its day, or its time of day where both are of one day. */
export function dayOrTime(value, other) {
  const text = new Date(value * 1000).toISOString();
  return Math.abs(value - other) < 86400 ? text.slice(11, 16) : text.slice(0, 10);
}

/** The index of the entry of an ascending list that is nearest to x; -1 of an empty one. */
export function nearest(list, x) {
  let low = 0;
  let high = list.length - 1;
  if (high < 0) return -1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (list[middle] <= x) low = middle;
    else high = middle;
  }
  return Math.abs(list[low] - x) <= Math.abs(list[high] - x) ? low : high;
}

/** The index of the point, a list of coordinates, that is nearest to `to` and at most so far away; null where none is. */
export function nearestOf(points, to, most) {
  let [found, least] = [null, most];
  points.forEach((point, i) => {
    const far = Math.hypot(...point.map((v, k) => v - to[k]));
    if (far < least) [found, least] = [i, far];
  });
  return found;
}

/** The index of the last entry of an ascending list that is at most x; -1 where none is. */
export function lastUpTo(list, x) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Least and largest of the numbers in a list, nulls left out; null where there is none. */
export function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    if (v === null || v === undefined || !Number.isFinite(v)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return low <= high ? [low, high] : null;
}

/** Shares of the values in `bins` equal cells of [low, high]. */
export function histogram(values, low, high, bins) {
  const out = new Array(bins).fill(0);
  const wide = (high - low) / bins || 1;
  let n = 0;
  for (const v of values) {
    if (v === null || !Number.isFinite(v)) continue;
    n++;
    const k = Math.floor((v - low) / wide);
    if (k >= 0 && k < bins) out[k]++;
    else if (v === high) out[bins - 1]++;
  }
  return out.map((c) => c / Math.max(1, n));
}

/** Whether a name comes before another, capitals and numbers as people sort them. */
export function inOrder(a, b) {
  return String(a).localeCompare(String(b), undefined, { numeric: true, sensitivity: "base" });
}
