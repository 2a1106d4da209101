// Data drawn by hand, as the address carries it: a painted density as a letter a cell, sprayed points as four a point.

const DIGITS_OF_TEXT = 36;
const SIDE_LEVELS = DIGITS_OF_TEXT * DIGITS_OF_TEXT - 1;
const DRAWN_RECORDS = 1000;

/** Where a painted density lies, and sprayed points. */
export const REACH = { density: 5, across: 3 };

/** Numbers in [0, 1) that are the same on every visit. */
export function drawsFrom(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Heights in [0, 1] as a text. */
export const heightsText = (heights) => heights.map((h) => Math.round(h * (DIGITS_OF_TEXT - 1)).toString(DIGITS_OF_TEXT)).join("");

/** Records of a painted density. */
export function recordsOfHeights(text) {
  const heights = [...text].map((letter) => parseInt(letter, DIGITS_OF_TEXT) || 0);
  const total = heights.reduce((sum, h) => sum + h, 0);
  if (!total) return [];
  const draw = drawsFrom(1);
  return Array.from({ length: DRAWN_RECORDS }, () => {
    let left = draw() * total;
    let k = 0;
    while (k < heights.length - 1 && left > heights[k]) left -= heights[k++];
    return Number((-REACH.density + ((k + draw()) * 2 * REACH.density) / heights.length).toFixed(3));
  });
}

/** Points with coordinates in [0, 1] as a text. */
export function pointsText(points) {
  const level = (v) => Math.round(Math.min(1, Math.max(0, v)) * SIDE_LEVELS).toString(DIGITS_OF_TEXT).padStart(2, "0");
  return points.map(([x, y]) => level(x) + level(y)).join("");
}

/** Records of sprayed points. */
export function recordsOfPoints(text) {
  const at = (i) => ((parseInt(text.slice(i, i + 2), DIGITS_OF_TEXT) || 0) / SIDE_LEVELS - 0.5) * 2 * REACH.across;
  return Array.from({ length: Math.floor(text.length / 4) }, (_, k) => [Number(at(4 * k).toFixed(3)), Number(at(4 * k + 2).toFixed(3))]);
}
