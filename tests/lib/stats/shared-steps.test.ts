import { describe, expect, it } from 'vitest';
import { binomialTail } from '@/lib/stats/binomial-tail';
import { findSharedSteps, type StepsOfRun } from '@/lib/stats/shared-steps';
import { seededRandom } from '@/tests/seeded-random';

const run = (eventSteps: readonly number[], toStep = 1000, fromStep = 1): StepsOfRun => ({
  ...{ fromStep, toStep, eventSteps },
});

describe('steps that runs share', () => {
  it('are those on which two or more have an event, with the odds of it', () => {
    const found = findSharedSteps([run([100, 500]), run([101, 700]), run([300])], 1);
    expect(found.places.map(({ fromStep, toStep, runs }) => [fromStep, toStep, runs])).toEqual([
      [100, 101, [0, 1]],
    ]);
    expect(found.placeCount).toBe(4);
    expect(found.shares).toEqual([0.006, 0.006, 0.003]);
    const [place] = found.places;
    expect(place!.watchedCount).toBe(3);
    // Given one, one or more of the other two: 1 − (1 − p)².
    expect(place!.tail).toBeCloseTo(1 - (1 - 0.005) ** 2, 12);
    expect(place!.tail).toBe(binomialTail(1, 2, (0.006 + 0.006 + 0.003) / 3));
    expect(place!.expected).toBeCloseTo(4 * place!.tail, 12);
  });

  it('are judged among the runs that trained past them', () => {
    const found = findSharedSteps([run([900]), run([900]), run([10], 50)], 0);
    expect(found.places[0]).toMatchObject({ fromStep: 900, watchedCount: 2 });
    expect(found.places[0]!.tail).toBeCloseTo(0.001, 12);
  });

  it('have a run that had an event there among those that trained past', () => {
    const found = findSharedSteps([run([900], 100), run([900], 100), run([5], 100)], 0);
    expect(found.places).toMatchObject([{ runs: [0, 1], watchedCount: 2, tail: 0 }]);
  });

  it('count a run once, however many events it has there', () => {
    const found = findSharedSteps([run([10, 11]), run([500])], 1);
    expect(found.places).toEqual([]);
    expect(found.shares[0]).toBe(0.004);
  });

  it('have no odds below 1 where a run has events everywhere', () => {
    const everywhere = Array.from({ length: 1000 }, (_, index) => index + 1);
    const found = findSharedSteps([run(everywhere), run(everywhere)], 0);
    expect(found.places.every(({ tail }) => tail === 1)).toBe(true);
  });

  it('are found by chance as often as is said', () => {
    const random = seededRandom(3);
    let pairs = 0;
    let expected = 0;
    for (let round = 0; round < 400; round++) {
      const someEvents = () => Array.from({ length: 12 }, () => 1 + Math.floor(random() * 1000));
      const found = findSharedSteps(
        [0, 1, 2, 3].map(() => run(someEvents())),
        0,
      );
      pairs += found.pairCount;
      expected += found.expectedPairs;
    }
    expect(pairs).toBeGreaterThan(200);
    // Some 340 of them: four deviations of a Poisson count.
    expect(Math.abs(pairs - expected)).toBeLessThan(4 * Math.sqrt(expected));
  });

  it('are none without runs or events', () => {
    expect(findSharedSteps([], 1)).toMatchObject({ placeCount: 0, places: [], pairCount: 0 });
    expect(findSharedSteps([run([]), run([])], 1)).toMatchObject({ placeCount: 0, places: [] });
  });
});
