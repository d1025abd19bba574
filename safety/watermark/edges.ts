import { emptyPlane, type Plane } from './planes.js';

/** Neighbours that differ by as many levels lie on two sides of an edge: a mark and its noise differ by less. */
const EDGE = 16;
/** Detail above this many levels is no mark. */
const MOST_DETAIL = 12;
const ROUNDS = 3;
/** Steps of the table of weights in one level, and the difference in levels at which it ends. */
const STEPS = 8;
const END = 40;

/** Runs along a line and back, each value drawn to the one before as far as no edge is between them. */
function smoothLine(
  values: Float32Array,
  guide: Float32Array,
  weights: Float32Array,
  start: number,
  step: number,
  count: number,
): void {
  const last = start + (count - 1) * step;
  for (let at = start + step; at <= last; at += step) {
    const weight = weights[Math.min(END * STEPS, Math.abs(guide[at] - guide[at - step]) * STEPS) | 0];
    values[at] += weight * (values[at - step] - values[at]);
  }
  for (let at = last - step; at >= start; at -= step) {
    const weight = weights[Math.min(END * STEPS, Math.abs(guide[at] - guide[at + step]) * STEPS) | 0];
    values[at] += weight * (values[at + step] - values[at]);
  }
}

/**
 * What is left of a plane when each cell is compared with the cells around it on its own side of every edge: shapes and
 * letters vanish, which a plain local mean would leave as waves along their edges, larger than any mark. The mean
 * is a recursive one, `radius` cells wide, along the lines and the columns by turns: Gastal & Oliveira 2011, "Domain
 * transform for edge-aware image and video processing", equations 14 and 21, with a weight that falls off as a normal curve.
 */
export function withoutEdges(plane: Plane, radius: number): Plane {
  const { width, height, data } = plane;
  const out = emptyPlane(width, height);
  const mean = out.data;
  mean.set(data);
  for (let round = 1; round <= ROUNDS; round++) {
    const deviation = (radius * Math.sqrt(3) * 2 ** (ROUNDS - round)) / Math.sqrt(4 ** ROUNDS - 1);
    const nearest = Math.exp(-Math.SQRT2 / deviation);
    const weights = Float32Array.from({ length: END * STEPS + 1 }, (_, i) =>
      i === END * STEPS ? 0 : nearest * Math.exp(-((i / STEPS / EDGE) ** 2)),
    );
    for (let y = 0; y < height; y++) smoothLine(mean, data, weights, y * width, 1, width);
    for (let x = 0; x < width; x++) smoothLine(mean, data, weights, x, width, height);
  }
  for (let i = 0; i < mean.length; i++)
    mean[i] = Math.min(MOST_DETAIL, Math.max(-MOST_DETAIL, data[i] - mean[i]));
  return out;
}
