import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AlertConditionOf } from '@/lib/contract/alert-rules';
import { deviationOf } from '@/lib/alerts/z-score';
import { createMedianWindow, pushValue } from '@/lib/detect/median-window';
import { aStep, foldAll, losses } from '@/tests/builders/alerts';

const numberSchema = z.union([
  z.number(),
  z.string().transform((text) => Number(text === 'inf' ? 'Infinity' : text)),
]);
const fixture = z
  .object({
    window: z.int(),
    series: z.record(
      z.string(),
      z.object({ values: z.array(numberSchema), deviations: z.array(numberSchema.nullable()) }),
    ),
  })
  .parse(
    JSON.parse(
      readFileSync(new URL('../../fixtures/alerts/deviations.json', import.meta.url), 'utf8'),
    ),
  );

function aZScore(over: Partial<AlertConditionOf<'z_score'>> = {}): AlertConditionOf<'z_score'> {
  return {
    ...{ kind: 'z_score', metric: 'loss', side: 'above', z: 6, window: fixture.window },
    ...{ openAfter: 1, closeAfter: 1 },
    ...over,
  };
}

describe('a robust deviation', () => {
  it.each(Object.entries(fixture.series))('of the %s series is what NumPy says', (_, series) => {
    const window = createMedianWindow(fixture.window);
    let judged = 0;
    series.values.forEach((value, index) => {
      const expected = series.deviations[index] ?? null;
      if (expected !== null) {
        judged++;
        const deviation = deviationOf(window, value);
        if (Number.isFinite(expected)) expect(deviation).toBeCloseTo(expected, 9);
        else expect(deviation).toBe(expected);
      }
      if (Number.isFinite(value)) pushValue(window, value);
    });
    expect(judged).toBeGreaterThan(30);
  });
});

describe('a rule on it', () => {
  it('opens where NumPy’s deviations pass its limit, and nowhere else', () => {
    for (const side of ['above', 'below', 'either'] as const) {
      for (const [name, { values, deviations }] of Object.entries(fixture.series)) {
        const expected: number[] = [];
        let isOpen = false;
        values.forEach((value, index) => {
          const found = Number.isFinite(value) ? (deviations[index] ?? null) : Infinity;
          if (found === null) return;
          const toward = Number.isFinite(value)
            ? { above: found, below: -found, either: Math.abs(found) }[side]
            : Infinity;
          if (toward >= 6 && !isOpen) expected.push(index);
          isOpen = toward >= 6;
        });
        const opened = foldAll(aZScore({ side }), losses(...values)).map(
          ({ openedStep }) => openedStep,
        );
        expect(opened, `${name} ${side}`).toEqual(expected);
      }
    }
  });

  it('says how far, from what', () => {
    const steps = losses(...Array.from({ length: 20 }, (_, index) => 2 + (index % 3) / 10), 5);
    expect(foldAll(aZScore(), steps)).toMatchObject([
      { title: 'loss 5.00 at step 20, 19.6 deviations above its median of 2.10', peakValue: 5 },
    ]);
  });

  it('calls what was ever constant far from its median', () => {
    const values = [...Array.from({ length: 20 }, () => 0), 1];
    expect(foldAll(aZScore(), losses(...values))).toMatchObject([
      { title: 'loss 1.00 at step 20, far above its median of 0', peakValue: 1 },
    ]);
  });

  it('keeps a past for each layer', () => {
    const steps = Array.from({ length: 30 }, (_, step) =>
      aStep(step, {
        layers: {
          rms: [1 + (step % 3) / 100, 100 + (step % 3), 1 + (step % 3), step === 25 ? 2 : 1],
        },
      }),
    );
    expect(foldAll(aZScore({ metric: 'rms', layers: '.' }), steps)).toMatchObject([
      {
        openedStep: 25,
        layers: [3],
        title: expect.stringContaining('in lm_head at step 25') as string,
      },
    ]);
  });
});
