import { describe, expect, it } from 'vitest';
import { borrowDipWork, createDipWork, dipOfVertices } from '@/lib/stats/dip-of-vertices';
import { dipByDefinition, type Vertex } from './dip-definition';
import { seededRandom } from '@/tests/seeded-random';

function dipOf(vertices: readonly Vertex[]): number {
  const work = createDipWork(vertices.length);
  vertices.forEach(([x, lo, hi], i) => {
    work.x[i] = x;
    work.lo[i] = lo;
    work.hi[i] = hi;
  });
  return dipOfVertices(work, vertices.length);
}

/** A distribution function of 2 to 9 vertices, with atoms at some and flat parts. */
function anyVertices(random: () => number, atomShare: number): Vertex[] {
  const count = 2 + Math.floor(random() * 8);
  let x = 0;
  let height = 0;
  const vertices = Array.from({ length: count }, (_, i): [number, number, number] => {
    x += 0.05 + random() ** 3;
    if (i > 0 && random() < 0.8) height += Math.floor(1 + 5 * random());
    const lo = height;
    if (random() < atomShare) height += Math.floor(1 + 5 * random());
    return [x, lo, height];
  });
  if (height === 0) vertices[count - 1]![2] = height = 1;
  return vertices.map(([at, lo, hi]) => [at, lo / height, hi / height]);
}

describe('dipOfVertices', () => {
  it.each([
    ['without atoms', 0],
    ['with atoms at some vertices', 0.3],
    ['with atoms at all', 1],
  ])('is the least distance to a unimodal function, %s', (_, atomShare) => {
    const random = seededRandom(7 + atomShare);
    let bimodal = 0;
    for (let i = 0; i < 300; i++) {
      const vertices = anyVertices(random, atomShare);
      const expected = dipByDefinition(vertices);
      if (expected > 0.01) bimodal++;
      expect(Math.abs(dipOf(vertices) - expected), JSON.stringify(vertices)).toBeLessThan(1e-10);
    }
    expect(bimodal).toBeGreaterThan(50);
  });

  it('does not change when a line between two vertices is split', () => {
    const random = seededRandom(3);
    for (let i = 0; i < 300; i++) {
      const vertices = anyVertices(random, 0.3);
      const split = vertices.flatMap((vertex, k): Vertex[] => {
        const next = vertices[k + 1];
        if (next === undefined || random() < 0.5) return [vertex];
        const share = 0.01 + 0.98 * random();
        const height = vertex[2] + share * (next[1] - vertex[2]);
        return [vertex, [vertex[0] + share * (next[0] - vertex[0]), height, height]];
      });
      expect(dipOf(split)).toBeCloseTo(dipOf(vertices), 12);
    }
  });

  it('is 0 where the density rises and then falls, and for one atom', () => {
    const hill: Vertex[] = [0, 1, 4, 9, 12, 13].map((height, x) => [x, height, height]);
    expect(dipOf(hill)).toBe(0);
    expect(dipOf([[3, 0, 8]])).toBe(0);
    const atomAtTheMode: Vertex[] = [
      [0, 0, 0],
      [1, 1, 1],
      [2, 3, 9],
      [3, 11, 11],
      [4, 12, 12],
    ];
    expect(dipOf(atomAtTheMode)).toBe(0);
  });

  it('is NaN without mass', () => {
    expect(dipOf([[1, 0, 0]])).toBeNaN();
    expect(dipOf([])).toBeNaN();
  });

  it('takes time in proportion to the vertices of hills of any curvature', () => {
    // Chains of hull vertices that every cut walked again would make these quadratic.
    const shapes = [(t: number) => t ** 3, Math.cbrt, (t: number) => Math.sinh(8 * t)];
    for (const shape of shapes) {
      const count = 200_001;
      const work = borrowDipWork(count);
      for (let i = 0; i < count; i++) {
        work.x[i] = shape(i / (count - 1) - 0.5);
        work.lo[i] = work.hi[i] = i;
      }
      const started = performance.now();
      dipOfVertices(work, count);
      // Linear work takes some 20 ms, more on a busy machine; quadratic work minutes.
      expect(performance.now() - started).toBeLessThan(30_000);
    }
  }, 180_000);
});
