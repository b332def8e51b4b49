import { expect, it } from 'vitest';
import { type FrameStatisticsInput, computeFrameStatistics } from '@/lib/stats/frame-statistics';
import { computeRatioEdges } from '@/lib/stats/ratio-edges';
import { computeUpdateEdges } from '@/lib/stats/update-edges';
import { compareStatistics } from '@/workers/accelerator/compare-statistics';
import type { StatisticsBackend } from '@/workers/accelerator/statistics-backend';
import { findFault } from '@/workers/accelerator/self-test';
import {
  arbitraryBitsInput,
  onEdgesInput,
  pathologicalInput,
  randomInput,
  recordedInputs,
} from './sample-inputs';

export type TestOnBackend = (title: string, test: () => Promise<void>, timeoutMs?: number) => void;

/** What every backend must hold, on whatever device it runs. */
export function describeBackend(
  backend: () => Promise<StatisticsBackend>,
  options: { readonly test?: TestOnBackend } = {},
): void {
  const test = options.test ?? it;
  const expectReference = async (input: FrameStatisticsInput): Promise<number> => {
    const computes = await backend();
    const before = computes.status().hostRowCount;
    const actual = await computes.compute(input);
    expect(compareStatistics(input, computeFrameStatistics(input), actual)).toEqual([]);
    return computes.status().hostRowCount - before;
  };

  test('agrees with the single pass on random layers, and computes them itself', async () => {
    expect(await expectReference(randomInput(8, 256))).toBe(0);
    expect(await expectReference(randomInput(3, 1000, { previousGradient: null }))).toBe(0);
    expect(await expectReference(randomInput(1, 1))).toBe(0);
    expect(await expectReference(randomInput(5, 7, { epsilon: 0 }))).toBe(0);
    expect(await expectReference(randomInput(4, 64, { epsilon: null, beta1: null }))).toBe(0);
  }, 120_000);

  test('agrees with the single pass on samples of a real run', async () => {
    for (const input of recordedInputs()) {
      expect(await expectReference(input)).toBeLessThan(input.layerCount / 2);
    }
  }, 240_000);

  test('agrees with the single pass where values are subnormal, zero, infinite or none', async () => {
    await expectReference(pathologicalInput());
    await expectReference({ ...pathologicalInput(), epsilon: 0 });
    // An ε that float32 cannot square.
    await expectReference({ ...randomInput(2, 16), epsilon: 1e-30 });
  }, 120_000);

  test('agrees with the single pass on any bits', async () => {
    for (const seed of [1, 2, 3]) await expectReference(arbitraryBitsInput(seed, 12, 64));
  }, 120_000);

  test('puts values on an edge where the single pass puts them', async () => {
    expect(await expectReference(onEdgesInput(computeRatioEdges(0.9, 0.95)))).toBeLessThan(4);
    expect(await expectReference(onEdgesInput(computeUpdateEdges()))).toBeLessThan(4);
  }, 120_000);

  test('computes nothing of nothing, and refuses arrays of a wrong length', async () => {
    const { compute } = await backend();
    expect((await compute(randomInput(0, 0))).layerMetrics.size).toBe(0);
    const wrong = { ...randomInput(2, 4), secondMoment: new Float32Array(7) };
    await expect(compute(wrong)).rejects.toThrow('secondMoment: expected 8 values, got 7');
  }, 60_000);

  test('passes its self-test', async () => {
    expect(await findFault(await backend())).toBeNull();
  }, 120_000);

  test('holds no more after 1,000 batches than after ten', async () => {
    const { compute, status } = await backend();
    const inputs = [randomInput(2, 64), randomInput(3, 32, { previousGradient: null })];
    const computeTimes = async (times: number) => {
      for (let i = 0; i < times; i++) await compute(inputs[i % inputs.length]!);
    };
    await computeTimes(10);
    const { tensorCount, deviceBytes } = status();
    await computeTimes(990);
    expect(status()).toMatchObject({ tensorCount, deviceBytes });
  }, 400_000);
}
