import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import { VALUE_CLASS, classifyBits } from '@/workers/accelerator/value-class';
import { seededRandom } from '@/tests/seeded-random';

/** Where the classes begin and end, and bits at random. */
function someBits(): Int32Array {
  const random = seededRandom(5);
  const borders = [0, 1, 2, 0x7fffff, 0x800000, 0x800001, 0x3f800000, 0x7f7fffff, 0x7f800000];
  const positive = [...borders, 0x7f800001, 0x7fc00000, 0x7fffffff];
  return Int32Array.from([
    ...positive,
    ...positive.map((bits) => bits | (1 << 31)),
    ...Array.from({ length: 1000 }, () => random() * 2 ** 32),
  ]);
}

function classOf(bits: number): number {
  const magnitude = bits & 0x7fffffff;
  if (magnitude === 0) return bits < 0 ? VALUE_CLASS.negativeZero : VALUE_CLASS.zero;
  if (magnitude < 0x00800000 || magnitude >= 0x7f800000) return VALUE_CLASS.wild;
  return bits < 0 ? VALUE_CLASS.negative : VALUE_CLASS.positive;
}

describe('the class of a value', () => {
  it('is that of its bits by arithmetic of exact integers', async () => {
    const bits = someBits();
    await tf.setBackend('cpu');
    const classes = classifyBits(tf, tf.tensor2d(bits, [1, bits.length]));
    expect([...(await classes.data())]).toEqual(Array.from(bits, classOf));
  });
});
