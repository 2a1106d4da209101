// How far the y axis of a chart reaches, and the running mean that is drawn over a noisy curve.

/** Least and largest y of a chart, and whether its scale is one of ratios; a few wild points do not flatten all others.
 * spec: {share, log, line}. */
export function verticalRange(values, spec) {
  const found = values.filter((v) => v !== null && v !== undefined && Number.isFinite(v)).sort((a, b) => a - b);
  if (spec.share) return [0, 1, false];
  if (!found.length) return [0, 1, false];
  const at = (q) => found[Math.round(q * (found.length - 1))];
  if (spec.log && found[0] > 0 && at(0.99) / at(0.01) > 20) return [at(0.002) * 0.9, at(0.998) * 1.1, true];
  let [low, high] = [found[0], found[found.length - 1]];
  const [a, b] = [at(0.01), at(0.99)];
  if (found.length > 50 && high - low > 4 * (b - a) && b > a) [low, high] = [Math.max(low, a - 0.5 * (b - a)), Math.min(high, b + 0.5 * (b - a))];
  if (spec.line && spec.line.near) [low, high] = [Math.min(low, spec.line.y), Math.max(high, spec.line.y)];
  const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room, false];
}

/** The running mean of points [[x, y]]: [[x, mean, whether it joins the one before]]; it breaks where points are far apart. */
export function runningMean(points) {
  const half = Math.max(2, Math.round(points.length / 80));
  const sums = [0];
  for (const [, y] of points) sums.push(sums[sums.length - 1] + y);
  const apart = (20 * (points[points.length - 1][0] - points[0][0])) / points.length;
  return points.map(([x], i) => {
    const [a, b] = [Math.max(0, i - half), Math.min(points.length, i + half + 1)];
    return [x, (sums[b] - sums[a]) / (b - a), i > 0 && x - points[i - 1][0] < apart];
  });
}
