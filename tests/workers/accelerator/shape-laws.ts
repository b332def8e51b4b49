import { expect, it } from 'vitest';
import type { ShapesInput } from '@/lib/stats/histogram-shapes';
import { compareShapes } from '@/workers/accelerator/compare-shapes';
import type { StatisticsBackend } from '@/workers/accelerator/statistics-backend';
import type { TestOnBackend } from './backend-laws';
import {
  madeShapes,
  narrowShapes,
  oddShapes,
  randomShapes,
  recordedShapes,
  referenceShapes,
} from './shape-inputs';

interface ShapeLawOptions {
  readonly test?: TestOnBackend;
  /** A device that is emulated measures a part of the recorded histograms, and fewer rows of the others. */
  readonly isEmulated?: boolean;
}

/** What every backend must hold of [layers × bins], on whatever device it runs. */
export function describeShapes(
  backend: () => Promise<StatisticsBackend>,
  { test = it, isEmulated = false }: ShapeLawOptions = {},
): void {
  /** Returns the rows that were left to the single pass. */
  const expectReference = async (inputs: readonly ShapesInput[]): Promise<number> => {
    const { computeShapes, status } = await backend();
    const before = status().hostRowCount;
    for (const input of inputs) {
      const actual = await computeShapes(input);
      expect([...actual.keys()]).toEqual(input.measures);
      expect(compareShapes(input, actual)).toEqual([]);
    }
    return status().hostRowCount - before;
  };

  test('measures shapes as the single pass does, and does so itself', async () => {
    expect(await expectReference([randomShapes(9, 40), randomShapes(1, 7)])).toBe(0);
    expect(await expectReference(madeShapes(isEmulated ? 512 : 4096))).toBe(0);
  }, 120_000);

  test('agrees with the single pass on the 56 reference cases as histograms', async () => {
    expect(await expectReference([referenceShapes()])).toBe(0);
  }, 120_000);

  test('agrees with the single pass on histograms of a real run', async () => {
    const recorded = recordedShapes();
    expect(await expectReference(isEmulated ? recorded.slice(2, 3) : recorded)).toBe(0);
  }, 240_000);

  test('agrees with the single pass where an atom lies anywhere and counts are of any size', async () => {
    const rowCount = isEmulated ? 4 : 60;
    const inputs = oddShapes(rowCount);
    expect(await expectReference(inputs)).toBeLessThan((inputs.length * rowCount) / 10);
  }, 120_000);

  test('leaves edges to the single pass that float32 does not tell apart', async () => {
    for (const { input, isLeft } of narrowShapes()) {
      expect(await expectReference([input])).toBe(isLeft ? input.layerCount : 0);
    }
  }, 120_000);

  test('measures what is asked for, in that order, of nothing too', async () => {
    await expectReference([
      randomShapes(3, 8, { measures: ['valleyDepth', 'dip'] }),
      randomShapes(3, 8, { measures: ['std'] }),
      randomShapes(3, 8, { measures: [] }),
      randomShapes(0, 8),
    ]);
  }, 60_000);

  test('refuses histograms that do not fit each other', async () => {
    const { computeShapes } = await backend();
    const wrong = { ...randomShapes(2, 4), counts: new Uint32Array(7) };
    await expect(computeShapes(wrong)).rejects.toThrow('expected 8 counts and 8 outside, got 7');
  });

  test('holds no more after 1,000 batches of histograms than after ten', async () => {
    const { computeShapes, status } = await backend();
    const inputs = [
      randomShapes(2, 6),
      ...Array.from({ length: isEmulated ? 49 : 1 }, (_, i) =>
        // A dip takes an emulated device a quarter of a second: there it is one batch in fifty.
        randomShapes(3, 9 + (i % 3), { measures: [isEmulated ? 'valleyDepth' : 'dip', 'std'] }),
      ),
    ];
    const computeTimes = async (times: number) => {
      for (let i = 0; i < times; i++) await computeShapes(inputs[i % inputs.length]!);
    };
    await computeTimes(inputs.length);
    const { tensorCount, deviceBytes } = status();
    await computeTimes(1000);
    expect(status()).toMatchObject({ tensorCount, deviceBytes });
  }, 400_000);
}
