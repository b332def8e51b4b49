import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Compression } from '@/clients/typescript/compression';

const zeros = new Uint8Array(200_000);
let state = 1;
const noise = Uint8Array.from({ length: 200_000 }, () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state >>> 24;
});

/** A clock by which a trial of 64 KiB takes `ms`. */
function clock(ms: number): () => number {
  let now = 0;
  return () => (now += ms);
}

describe('gzip', () => {
  it('never pays on the machine itself, nor for a small body', () => {
    expect(new Compression(true).pays(zeros)).toBe(false);
    expect(new Compression(false).pays(zeros.subarray(0, 1000))).toBe(false);
  });

  it('takes what at least halves until the link was measured', () => {
    const compression = new Compression(false);
    expect(compression.pays(zeros)).toBe(true);
    expect(compression.pays(noise)).toBe(false);
  });

  it('pays on a link slower than the compressor, and not on a faster one', () => {
    const slow = new Compression(false, clock(1));
    slow.measure(1_000_000, 1_000);
    expect(slow.pays(zeros)).toBe(true);
    const fast = new Compression(false, clock(1));
    fast.measure(1_000_000, 1);
    expect(fast.pays(zeros)).toBe(false);
    // The newest uploads count most.
    for (let index = 0; index < 20; index++) fast.measure(1_000_000, 1_000);
    expect(fast.pays(zeros)).toBe(true);
  });

  it('gives back the same bytes', async () => {
    const packed = await new Compression(false).compress(zeros);
    expect(packed.length).toBeLessThan(2_000);
    expect(new Uint8Array(gunzipSync(packed))).toEqual(zeros);
  });
});
