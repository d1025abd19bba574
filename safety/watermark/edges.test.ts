import { expect, test } from 'vitest';
import { withoutEdges } from './edges.js';
import { emptyPlane } from './planes.js';

test('of flat shapes nothing is left, and of a mark on them the mark', () => {
  const shapes = emptyPlane(120, 90);
  const marked = emptyPlane(120, 90);
  const mark = (x: number, y: number) => Math.sin(x / 2) * Math.cos(y / 2);
  let power = 0;
  for (let y = 0, i = 0; y < 90; y++) {
    for (let x = 0; x < 120; x++, i++) {
      shapes.data[i] = Math.hypot(x - 60, y - 40) < 25 || x % 30 === 0 ? 220 : 40;
      marked.data[i] = shapes.data[i] + mark(x, y);
      power += mark(x, y) ** 2;
    }
  }
  expect(withoutEdges(shapes, 10).data.every((value) => Math.abs(value) < 1e-3)).toBe(true);
  const { data } = withoutEdges(marked, 10);
  const kept = data.reduce((sum, value, i) => sum + value * mark(i % 120, Math.floor(i / 120)), 0);
  expect(kept / power).toBeGreaterThan(0.7);
});
