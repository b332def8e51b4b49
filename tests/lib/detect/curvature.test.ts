import { describe, expect, it } from 'vitest';
import {
  computeKappa,
  createCurvatureWatch,
  observeCurvature,
  stabilityLimit,
} from '@/lib/detect/curvature';

it.each([
  [0, 2],
  [0.5, 6],
  [0.8, 18],
  [0.9, 38],
  [0.95, 78],
  [0.99, 398],
])('η·λ may reach (2+2β1)/(1−β1): %d → %d', (beta1, limit) => {
  expect(stabilityLimit(beta1)).toBeCloseTo(limit, 9);
  expect(computeKappa(limit / 1e-3, 1e-3, beta1)).toBeCloseTo(1, 12);
});

it('the limit is where momentum descent on a quadratic turns unstable', () => {
  const endAfter = (kappa: number) => {
    const beta1 = 0.9;
    let x = 1;
    let m = 0;
    for (let step = 0; step < 20_000; step++) {
      m = beta1 * m + (1 - beta1) * x;
      x -= kappa * stabilityLimit(beta1) * m;
    }
    return Math.abs(x);
  };
  expect(endAfter(0.999)).toBeLessThan(1e-2);
  expect(endAfter(1.001)).toBeGreaterThan(1e2);
});

it('κ of what is not finite is NaN, and no sample', () => {
  expect(computeKappa(Infinity, 1e-3, 0.9)).toBeNaN();
  expect(computeKappa(1, 1e-3, 1)).toBeNaN();
  expect(
    observeCurvature(createCurvatureWatch(), {
      step: 1,
      kappa: NaN,
      learningRate: 1e-3,
      isAtPeak: false,
    }),
  ).toBeNull();
});

describe('the alert', () => {
  const alerts = (samples: readonly (readonly [step: number, kappa: number])[]) => {
    const watch = createCurvatureWatch();
    return samples.map(([step, kappa]) =>
      observeCurvature(watch, { step, kappa, learningRate: 1e-3, isAtPeak: true })!,
    );
  };

  it('is silent at the edge of stability, where full-batch runs live', () => {
    const readings = alerts(
      Array.from({ length: 50 }, (_, i) => [i * 100, i % 2 === 0 ? 0.8 : 1.1]),
    );
    expect(readings.every(({ alert }) => alert === 'none')).toBe(true);
  });

  it('comes with the third sample above 1.2, once', () => {
    const readings = alerts([
      [0, 1],
      [100, 1.3],
      [200, 1.3],
      [300, 1.3],
      [400, 1.3],
      [500, 1],
    ]);
    expect(readings.map(({ alert }) => alert)).toEqual([
      'none',
      'none',
      'none',
      'beyond_limit',
      'beyond_limit',
      'none',
    ]);
    expect(readings.filter(({ isNewAlert }) => isNewAlert)).toHaveLength(1);
  });

  it('comes when κ doubles within 200 steps, and not over more', () => {
    expect(
      alerts([
        [0, 0.3],
        [200, 0.7],
      ]).at(-1)!.alert,
    ).toBe('doubled');
    expect(
      alerts([
        [0, 0.3],
        [201, 0.7],
      ]).at(-1)!.alert,
    ).toBe('none');
    expect(
      alerts([
        [0, 0.01],
        [100, 0.1],
      ]).at(-1)!.alert,
    ).toBe('none');
  });

  it('advises a longer warm-up where κ passes 1 at the learning rate’s peak', () => {
    expect(alerts([[0, 1.05]])[0]!.advisesLongerWarmUp).toBe(true);
    expect(alerts([[0, 0.95]])[0]!.advisesLongerWarmUp).toBe(false);
  });
});

describe('warnings of curvature', () => {
  interface At {
    readonly step: number;
    readonly kappa: number;
    readonly isAtPeak?: boolean;
  }
  const watchAll = (samples: readonly At[]) => {
    const watch = createCurvatureWatch();
    return samples.flatMap(({ step, kappa, isAtPeak = false }) =>
      observeCurvature(watch, { step, kappa, learningRate: 1e-3, isAtPeak })!.warnings.map(
        ({ phase, warning }) => ({ phase, ...warning }),
      ),
    );
  };

  it('open with the third sample beyond the limit, from the first one on, and close when it is over', () => {
    const kappas = [1.1, 1.3, 1.25, 1.4, 1.5, 1.1, 1];
    const told = watchAll(kappas.map((kappa, i) => ({ step: 300 * i, kappa })));
    expect(told).toMatchObject([
      {
        phase: 'opened',
        kind: 'curvature_beyond_limit',
        fromStep: 300,
        peakStep: 900,
        peakValue: 1.4,
      },
      { phase: 'updated', peakStep: 1200, peakValue: 1.5 },
      { phase: 'closed', fromStep: 300, lastStep: 1200, peakValue: 1.5 },
    ]);
  });

  it('tell of a ratio that doubled within 200 steps, from half the limit on', () => {
    const told = watchAll([
      { step: 0, kappa: 0.1 },
      { step: 100, kappa: 0.3 },
      { step: 200, kappa: 0.7 },
      { step: 500, kappa: 0.7 },
    ]);
    expect(told).toMatchObject([
      { phase: 'opened', kind: 'curvature_doubled', fromStep: 200 },
      { phase: 'closed', lastStep: 200 },
    ]);
  });

  it('advise a longer warm-up once for as long as the learning rate stands at its peak', () => {
    const kappas = [1.05, 0.95, 1.1, 0.9];
    const told = watchAll([
      { step: 0, kappa: 1.5 },
      ...kappas.map((kappa, i) => ({ step: 300 * (i + 1), kappa, isAtPeak: true })),
      { step: 1500, kappa: 1.1 },
    ]);
    const kind = 'warm_up_too_short';
    expect(told.filter((warning) => warning.kind === kind)).toMatchObject([
      { phase: 'opened', fromStep: 300, learningRate: 1e-3 },
      { phase: 'updated', peakStep: 900, peakValue: 1.1 },
      { phase: 'closed', lastStep: 900 },
    ]);
  });
});
