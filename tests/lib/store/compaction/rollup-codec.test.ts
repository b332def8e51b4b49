import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsOf } from '@/lib/contract/missing-value';
import type { MetricRollup } from '@/lib/store/compaction/metric-rollup';
import {
  decodeCountRows,
  decodeCounts,
  decodePlane,
  decodePlaneRow,
  isOfRoundedCodec,
  layOutRollup,
  type RollupBytes,
  roundRollup,
} from '@/lib/store/compaction/rollup-codec';
import { TOLERANCE } from './rounder';

const LAYERS = 4;

function aRollup(buckets: number, counts: readonly number[] | null): MetricRollup {
  const plane = (shift: number): Float32Array =>
    Float32Array.from(
      { length: LAYERS * buckets },
      (_, index) => Math.cos(index * 1.7) * 1e-3 + shift,
    );
  return {
    slots: Uint8Array.from({ length: buckets }, (_, slot) => slot),
    reported: new Int32Array(buckets).fill(16),
    minimum: plane(-1),
    maximum: plane(1),
    mean: plane(0),
    exceptions:
      counts === null
        ? null
        : Uint32Array.from(
            { length: 2 * LAYERS * buckets },
            (_, index) => counts[index % counts.length]!,
          ),
  };
}

function planesOf(bytes: RollupBytes, buckets: number) {
  const { codec, minimum, maximum, mean } = bytes;
  return {
    minimum: decodePlane(codec, 'minimum', minimum, buckets),
    maximum: decodePlane(codec, 'maximum', maximum, buckets),
    mean: decodePlane(codec, 'mean', mean, buckets),
  };
}

/** One row of packed rows, as SQL's `packed_row` cuts it out. */
function packedRow(bytes: Uint8Array, row: number): Uint8Array {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const count = words[0]!;
  const [begin, end] = [words[1 + count + row]! & 0x1ffffff, words[2 + count + row]! & 0x1ffffff];
  const first = 2 * count + 2;
  const own = Int32Array.of(
    words[1 + row]!,
    words[1 + count + row]!,
    words[2 + count + row]!,
    ...words.subarray(first + begin, first + end),
  );
  return new Uint8Array(own.buffer);
}

describe('rows of rollups', () => {
  it('come back as they are while they are not rounded, and say what they were made of', () => {
    for (const isOfRounded of [false, true]) {
      const rollup = aRollup(3, [1, 2, 3]);
      const bytes = layOutRollup(rollup, isOfRounded);
      const { minimum, maximum, mean, exceptions } = rollup;
      expect(planesOf(bytes, 3)).toEqual({ minimum, maximum, mean });
      expect(decodeCounts(bytes.codec, bytes.exceptions!, 3)).toEqual(exceptions);
      expect(isOfRoundedCodec(bytes.codec)).toBe(isOfRounded);
    }
  });

  it('come back rounded, counts to the bit, and means of rounded values too', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 64 }),
        fc.boolean(),
        fc.option(fc.array(fc.nat({ max: 4000 }), { minLength: 1, maxLength: 3 })),
        (buckets, isOfRounded, counts) => {
          const rollup = aRollup(buckets, counts);
          const bytes = roundRollup(rollup, isOfRounded);
          if (bytes === null) return;
          const planes = planesOf(bytes, buckets);
          for (const name of ['minimum', 'maximum', 'mean'] as const) {
            const wrong = [...rollup[name]].filter(
              (value, index) =>
                Math.abs(planes[name][index]! - value) > Math.abs(value) * TOLERANCE,
            );
            expect(wrong).toEqual([]);
          }
          if (isOfRounded) expect(bitsOf(planes.mean)).toEqual(bitsOf(rollup.mean));
          else expect(bitsOf(planes.mean)).not.toEqual(bitsOf(rollup.mean));
          expect(isOfRoundedCodec(bytes.codec)).toBe(true);
          if (bytes.exceptions === null) expect(rollup.exceptions).toBeNull();
          else {
            expect(decodeCounts(bytes.codec, bytes.exceptions, buckets)).toEqual(rollup.exceptions);
          }
        },
      ),
    );
  });

  it('give one layer from its rows, one byte off as they may lie', () => {
    const rollup = aRollup(40, [16, 15, 16]);
    const bytes = roundRollup(rollup, false)!;
    const whole = planesOf(bytes, 40).maximum;
    for (let layer = 0; layer < LAYERS; layer++) {
      const slice = packedRow(bytes.maximum, layer);
      expect(decodePlaneRow(bytes.codec, 'maximum', slice, 40)).toEqual(
        whole.slice(layer * 40, (layer + 1) * 40),
      );
      const rows = [layer, LAYERS + layer].map((row) => packedRow(bytes.exceptions!, row));
      const both = Uint8Array.from([0, ...rows.flatMap((row) => [...row])]).subarray(1);
      expect([...decodeCountRows(bytes.codec, both, 40)]).toEqual([
        ...rollup.exceptions!.subarray(layer * 40, (layer + 1) * 40),
        ...rollup.exceptions!.subarray((LAYERS + layer) * 40, (LAYERS + layer + 1) * 40),
      ]);
    }
  });

  it('are left as they are where rounding would not make them shorter', () => {
    expect(roundRollup(aRollup(2, null), false)).toBeNull();
  });
});
