import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { computeDips } from '@/workers/accelerator/dip-tensors';
import { dipByDefinition, type Vertex } from '../../lib/stats/dip-definition';
import { readDipCases } from '../../lib/stats/dip-cases';
import { seededRandom } from '@/tests/seeded-random';

/** Distribution functions as rows of one batch, each in shares and behind its last vertex at 1. */
async function dipsOf(functions: readonly (readonly Vertex[])[]): Promise<Float32Array> {
  const width = Math.max(...functions.map(({ length }) => length));
  const column = (part: 0 | 1 | 2) =>
    functions.map((vertices) =>
      Array.from({ length: width }, (_, i) => vertices[i]?.[part] ?? (part === 0 ? 1e6 + i : 1)),
    );
  const vertices = {
    x: tf.tensor2d(column(0)),
    lo: tf.tensor2d(column(1)),
    hi: tf.tensor2d(column(2)),
    last: tf.tensor2d(functions.map(({ length }) => [length - 1])),
  };
  try {
    return await computeDips(tf, vertices);
  } finally {
    tf.dispose(vertices);
  }
}

function stepFunctionOf(values: readonly number[]): Vertex[] {
  const sorted = [...values].sort((a, b) => a - b);
  return [...new Set(sorted)].map((value): Vertex => [
    value,
    sorted.indexOf(value) / sorted.length,
    (sorted.lastIndexOf(value) + 1) / sorted.length,
  ]);
}

beforeAll(async () => {
  await tf.setBackend('wasm');
  await tf.ready();
});
afterAll(() => {
  tf.removeBackend('wasm');
});

describe('the dip as tensor operations', () => {
  it('agrees with R’s diptest on every reference case of at most 1,000 distinct values', async () => {
    const cases = readDipCases()
      .map((each) => ({ ...each, vertices: stepFunctionOf(each.x) }))
      .filter(({ vertices }) => vertices.length <= 1000);
    expect(cases).toHaveLength(55);
    for (const { name, dip, x, vertices } of cases) {
      const [ofFunction = NaN] = await dipsOf([vertices]);
      // A sample's convention, which is not the distribution function's.
      const ofSample = Math.max(ofFunction, 1 / (2 * x.length));
      expect(Math.abs(ofSample - dip), name).toBeLessThan(1e-6);
    }
  }, 120_000);

  it.each([0, 0.3, 1])(
    'is the least distance to a unimodal function, an atom at each vertex with chance %d',
    async (atomShare) => {
      const random = seededRandom(70 + atomShare);
      const functions = Array.from({ length: 200 }, () => {
        const count = 2 + Math.floor(8 * random());
        const steps = Array.from({ length: 2 * count - 1 }, (_, i) =>
          i % 2 === 0 ? (random() < atomShare ? random() : 0) : random() ** 2,
        );
        const total = steps.reduce((sum, step) => sum + step, 0);
        let [x, height] = [-1, 0];
        return Array.from({ length: count }, (_, i): Vertex => {
          x += 0.01 + random() ** 3;
          const lo = height + (i === 0 ? 0 : steps[2 * i - 1]! / total);
          height = lo + steps[2 * i]! / total;
          return [x, lo, height];
        });
      });
      const dips = await dipsOf(functions);
      functions.forEach((vertices, index) => {
        expect(Math.abs(dips[index]! - dipByDefinition(vertices))).toBeLessThan(1e-6);
      });
    },
  );

  it('is NaN where the cuts that it makes are not enough, and 0 for one atom', async () => {
    // Equal masses in bins that double, on both sides of 0: each cut takes a bin or two off.
    const distances = Array.from({ length: 50 }, (_, i) => 2 ** (i - 50));
    const positions = [...distances.map((x) => -x).reverse(), ...distances];
    const hill = positions.map((x, i): Vertex => [x, i / 99, i / 99]);
    const [ofHill, ofAtom] = await dipsOf([hill, [[0, 0, 1]]]);
    expect([ofHill, ofAtom]).toEqual([NaN, 0]);
  });
});
