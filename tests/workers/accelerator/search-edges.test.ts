import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { computeUpdateMagnitudes } from '@/lib/stats/update-edges';
import { countEdgesUpTo, searchByHalves } from '@/workers/accelerator/search-edges';
import { seededRandom } from '@/tests/seeded-random';

beforeAll(() => tf.setBackend('cpu'));

/** Each edge, one float32 to either side of it, values beyond both ends and some between. */
function valuesAround(edges: Float32Array): Float32Array {
  const bits = new Int32Array(edges.slice().buffer);
  const near = Int32Array.from(
    { length: 3 * bits.length },
    (_, i) => bits[Math.floor(i / 3)]! + (i % 3) - 1,
  );
  const random = seededRandom(1);
  const between = Array.from({ length: 200 }, () => 10 ** (14 * random() - 13));
  return Float32Array.of(...new Float32Array(near.buffer), ...between, 0, -1, 1e30);
}

describe.each([1, 2, 3, 8, 64, 209])('the search among %d edges', (edgeCount) => {
  const edges = computeUpdateMagnitudes().slice(0, edgeCount);
  const values = valuesAround(edges);
  const expected = Array.from(values, (value) => edges.filter((edge) => edge <= value).length);

  it.each([
    ['with the kernel', countEdgesUpTo],
    ['by halves', searchByHalves],
  ])('counts those at or below a value, %s', async (_, search) => {
    const found = tf.tidy(() =>
      search(tf, tf.tensor2d(edges, [1, edgeCount]), tf.tensor2d(values, [1, values.length])),
    );
    expect([found.shape, [...(await found.data())]]).toEqual([[1, values.length], expected]);
    found.dispose();
  });
});
