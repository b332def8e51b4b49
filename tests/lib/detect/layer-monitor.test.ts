import { describe, expect, it } from 'vitest';
import { LayerFlag, createLayerMonitor, observeLayers } from '@/lib/detect/layer-monitor';
import { findFirstMovers } from '@/lib/detect/mover-log';
import { seededNormal } from '@/tests/seeded-random';

const quiet = false;
const disturbed = true;

function watch() {
  const monitor = createLayerMonitor(3);
  const normal = seededNormal(1);
  const noise = () => 10 ** (0.05 * normal());
  let step = 0;
  const observe = (
    gradient: readonly number[] | undefined,
    rms: readonly number[] | undefined,
    mood = quiet,
    belowEpsilon?: readonly number[],
  ) => {
    step++;
    const column = (values: readonly number[] | undefined) =>
      values === undefined ? undefined : Float32Array.from(values, (value) => value * noise());
    observeLayers(
      monitor,
      step,
      {
        gradient: column(gradient),
        rms: column(rms),
        belowEpsilon: belowEpsilon === undefined ? undefined : Float32Array.from(belowEpsilon),
      },
      mood,
    );
    return step;
  };
  const settle = (samples = 150) => {
    for (let i = 0; i < samples; i++) observe([1e-4, 1e-6, 0], [1, 0.05, 1]);
  };
  return { monitor, observe, settle };
}

describe('gradient jumps', () => {
  it('are a decade above the median of the last 64, each layer for itself', () => {
    const { monitor, observe, settle } = watch();
    settle();
    observe([2e-3, 2e-5, 0], [1, 0.05, 1]);
    expect(Array.from(monitor.flags, (flags) => flags & LayerFlag.jump)).toEqual([1, 1, 0]);
    observe([5e-4, 1e-6, 0], [1, 0.05, 1]);
    expect(Array.from(monitor.flags, (flags) => flags & LayerFlag.jump)).toEqual([0, 0, 0]);
  });

  it('are not told of a layer that never had a gradient, or none yet', () => {
    const { monitor, observe, settle } = watch();
    settle(20);
    observe([1, 1, 1], [1, 1, 1]);
    expect(monitor.flags.every((flags) => (flags & LayerFlag.jump) === 0)).toBe(true);
    settle();
    observe([1e-4, 1e-6, 1], [1, 0.05, 1]);
    expect(monitor.flags[2]! & LayerFlag.jump).toBe(0);
  });

  it('of an infinite gradient are jumps, and stay out of the baseline', () => {
    const { monitor, observe, settle } = watch();
    settle();
    observe([Infinity, 1e-6, 0], [1, 0.05, 1]);
    expect(monitor.flags[0]! & LayerFlag.jump).toBe(1);
    settle(64);
    expect(monitor.gradient.median[0]).toBeCloseTo(1e-4, 5);
  });

  it('do not become their own baseline while the loss is disturbed', () => {
    const { monitor, observe, settle } = watch();
    settle();
    for (let i = 0; i < 200; i++) observe([1e-1, 1e-6, 0], [1, 0.05, 1], disturbed);
    expect(monitor.flags[0]! & LayerFlag.jump).toBe(1);
    for (let i = 0; i < 200; i++) observe([1e-1, 1e-6, 0], [1, 0.05, 1], disturbed);
    expect(monitor.flags[0]! & LayerFlag.jump).toBe(0);
  });

  it('are logged as movers where they begin, with their z', () => {
    const { monitor, observe, settle } = watch();
    settle();
    const step = observe([1e-2, 1e-6, 0], [1, 0.05, 1]);
    observe([1e-2, 1e-6, 0], [1, 0.05, 1]);
    const movers = findFirstMovers(monitor.movers, step + 3);
    expect(movers).toMatchObject([{ layer: 0, metric: 'gradient_rms', step, leadSteps: 3 }]);
    expect(movers[0]!.z).toBeGreaterThan(20);
  });

  it('within swings of the same width in the last 128 are no movers', () => {
    const { monitor, observe, settle } = watch();
    for (let i = 0; i < 70; i++) observe([1e-2, 1e-6, 0], [1, 0.05, 1]);
    settle(60);
    const step = observe([2e-3, 1e-6, 0], [1, 0.05, 1]);
    expect(monitor.flags[0]! & LayerFlag.jump).toBe(1);
    expect(findFirstMovers(monitor.movers, step)).toEqual([]);
  });
});

describe('RMS', () => {
  it('spikes at 2.3, and where it stands six scales above its past', () => {
    const { monitor, observe, settle } = watch();
    settle();
    observe([1e-4, 1e-6, 0], [3, 0.6, 1]);
    expect(monitor.flags[0]! & LayerFlag.rmsThreshold).not.toBe(0);
    expect(monitor.flags[1]! & LayerFlag.rmsThreshold).toBe(0);
    expect(monitor.flags[1]! & LayerFlag.rmsOutlier).not.toBe(0);
    expect(monitor.rmsSpiking).toEqual([0, 1]);
    observe([1e-4, 1e-6, 0], [1, 0.05, 1]);
    expect(monitor.rmsSpiking).toEqual([]);
  });

  it('under 0.3 says that v is stale', () => {
    const { monitor, settle } = watch();
    settle();
    expect(Array.from(monitor.flags, (flags) => (flags & LayerFlag.rmsLow) !== 0)).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('is blind where ε stands in the place of v', () => {
    const { monitor, observe } = watch();
    observe([1, 1, 1], [1, 1, 1], quiet, [0.6, 0.4, NaN]);
    expect(Array.from(monitor.flags, (flags) => (flags & LayerFlag.rmsBlind) !== 0)).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('makes a mover by z alone only where no gradient is posted', () => {
    const withGradient = watch();
    withGradient.settle();
    const step = withGradient.observe([1e-4, 1e-6, 0], [1, 0.6, 1]);
    expect(findFirstMovers(withGradient.monitor.movers, step)).toEqual([]);

    const without = watch();
    for (let i = 0; i < 150; i++) without.observe(undefined, [1, 0.05, 1]);
    const at = without.observe(undefined, [1, 0.6, 1]);
    expect(findFirstMovers(without.monitor.movers, at)).toMatchObject([
      { layer: 1, metric: 'rms' },
    ]);
  });
});

describe('RMS of small tensors', () => {
  /** RMS of a tensor whose few values move together: scattered by a third of a decade. */
  function watchScattered(parameterCount: number, steps: number) {
    const monitor = createLayerMonitor(1);
    const normal = seededNormal(21);
    const spikes: number[] = [];
    const observe = (step: number, rms: number) => {
      const columns = {
        gradient: undefined,
        belowEpsilon: undefined,
        parameterCounts: [parameterCount],
      };
      observeLayers(monitor, step, { ...columns, rms: Float32Array.of(rms) }, quiet);
      if (monitor.rmsSpiking.length > 0) spikes.push(step);
    };
    for (let step = 0; step < steps; step++) observe(step, 0.8 * 10 ** (0.25 * normal()));
    return { monitor, spikes, observe };
  }

  it('reaches 2.3 by itself, and is no spike then', () => {
    expect(watchScattered(32, 3000).spikes).toEqual([]);
    // The same scatter in a tensor of which 2.3 says something.
    expect(watchScattered(4096, 3000).spikes.length).toBeGreaterThan(20);
  });

  it('spikes where it stands out of what it does by itself', () => {
    const { observe, spikes, monitor } = watchScattered(32, 200);
    observe(200, 0.8 * 10 ** 2.2);
    expect(spikes).toEqual([200]);
    expect(monitor.flags[0]! & LayerFlag.rmsThreshold).not.toBe(0);
  });

  it('of a quiet small tensor spikes at 2.3 as any other does', () => {
    const { observe, settle } = (() => {
      const monitor = createLayerMonitor(1);
      const normal = seededNormal(4);
      const spiking: number[][] = [];
      const look = (rms: number) => {
        const columns = { gradient: undefined, belowEpsilon: undefined, parameterCounts: [64] };
        const step = spiking.length;
        observeLayers(monitor, step, { ...columns, rms: Float32Array.of(rms) }, quiet);
        spiking.push([...monitor.rmsSpiking]);
        return monitor.rmsSpiking;
      };
      return {
        observe: look,
        settle: () => {
          for (let i = 0; i < 150; i++) look(1 + 0.02 * normal());
        },
      };
    })();
    settle();
    expect(observe(2.4)).toEqual([0]);
  });
});

it('a layer begins to spike anew 10 steps after its last spike, and not before', () => {
  const { monitor, observe, settle } = watch();
  settle();
  const starts: number[] = [];
  for (let i = 0; i < 40; i++) {
    const isSpiking = i === 0 || i === 5 || i === 14 || i === 24;
    const step = observe([1e-4, 1e-6, 0], [isSpiking ? 3 : 1, 0.05, 1]);
    if (monitor.rmsStarting.includes(0)) starts.push(step - 151);
  }
  expect(starts).toEqual([0, 24]);
});
