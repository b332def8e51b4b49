import { describe, expect, it } from 'vitest';
import { computeHistogramShapes } from '@/lib/stats/histogram-shapes';
import { chooseShapes } from '@/workers/accelerator/choose-shapes';
import { cpuBackend } from '@/workers/accelerator/cpu-backend';
import type { StatisticsBackend } from '@/workers/accelerator/statistics-backend';
import { randomShapes } from './shape-inputs';

/** A clock that only the device under test moves, and a device that takes so long for a call of many rows or few. */
function aCard(
  ms: { readonly few: number; readonly many: number },
  overrides: Partial<StatisticsBackend> = {},
) {
  const clock = { nowMs: 0, calls: 0 };
  const backend: StatisticsBackend = {
    ...cpuBackend,
    name: 'webgpu',
    device: 'a card',
    computeShapes: (input) => {
      clock.calls++;
      // The first of the two histograms compiles.
      const callMs = input.layerCount > 32 ? ms.many : ms.few;
      clock.nowMs += clock.calls === 1 ? 5000 : callMs;
      return Promise.resolve(computeHistogramShapes(input));
    },
    ...overrides,
  };
  return { backend, clock };
}

const shapes = randomShapes(2, 8);

describe('chooseShapes', () => {
  it('measures histograms on a device that is faster than the single pass, its first start apart', async () => {
    const { backend, clock } = aCard({ few: -2, many: -1 });
    const chosen = await chooseShapes(backend, () => clock.nowMs);
    expect(chosen.shapes.backend).toBe('webgpu');
    expect(chosen.shapes.reason).toBe(
      '1024 histograms of r and of u took 0.0 ms in the single pass, 1024 -2.0 ms on a card',
    );
    const { calls } = clock;
    await chosen.backend.computeShapes(shapes);
    expect(clock.calls).toBe(calls + 1);
  });

  it('leaves them to the single pass beside a device that is slower, and samples to the device', async () => {
    const { backend, clock } = aCard({ few: -2, many: 7 });
    const chosen = await chooseShapes(backend, () => clock.nowMs);
    expect(chosen.shapes).toEqual({
      backend: 'cpu',
      reason:
        '1024 histograms of r and of u took 0.0 ms in the single pass, 1024 14.0 ms on a card',
    });
    const { calls } = clock;
    expect(await chosen.backend.computeShapes(shapes)).toEqual(computeHistogramShapes(shapes));
    expect(clock.calls).toBe(calls);
    expect(chosen.backend.name).toBe('webgpu');
    expect(chosen.backend.compute).toBe(backend.compute);
  });

  it('gives a device up that takes longer for few than the single pass for many', async () => {
    const asked: number[] = [];
    const { backend, clock } = aCard({ few: 4, many: -1 });
    const computeShapes: typeof backend.computeShapes = (input) => {
      asked.push(input.layerCount);
      return backend.computeShapes(input);
    };
    const { shapes: choice } = await chooseShapes({ ...backend, computeShapes }, () => clock.nowMs);
    expect(choice.backend).toBe('cpu');
    expect(choice.reason).toMatch(/, 32 8.0 ms on a card$/);
    expect(new Set(asked)).toEqual(new Set([32]));
  });

  it('does not time a software device', async () => {
    const { backend, clock } = aCard({ few: -1, many: -1 }, { isSoftware: true });
    const { shapes: choice } = await chooseShapes(backend, () => clock.nowMs);
    expect(choice).toEqual({ backend: 'cpu', reason: 'a card is a software device' });
    expect(clock.calls).toBe(0);
  });
});
