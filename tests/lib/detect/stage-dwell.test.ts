import { describe, expect, it } from 'vitest';
import { toStageSetting } from '@/lib/detect/stage-input';
import { observeStages } from '@/lib/detect/stage-machine';
import { createStageState } from '@/lib/detect/stage-state';

const setting = toStageSetting({ beta1: 0.9, beta2: 0.95, epsilon: 1e-8 }, false, false);
const HEALTHY = {
  gradient: 1e-4,
  second_moment_below_epsilon_fraction: 0,
  update_std: 0.23,
  ratio_std: 0.23,
  update_dip: 0.001,
  ratio_dip: 0.001,
  gradient_cosine: 0,
};
const COLLAPSED = { ...HEALTHY, second_moment_below_epsilon_fraction: 0.9, update_std: 0.01 };
type Reading = Partial<typeof HEALTHY>;

/**
 * One layer, reported every `k` steps, that is healthy up to 100: the stages
 * that began from 200 on, with their steps.
 */
function stagesFrom(k: number, readingAt: (step: number) => Reading): string[] {
  const state = createStageState(1);
  const begun: string[] = [];
  for (let step = 0; step < 300; step += k) {
    const columns = Object.fromEntries(
      Object.entries(step < 100 ? HEALTHY : readingAt(step)).map(([name, value]) => [
        name,
        Float32Array.of(value),
      ]),
    );
    const changes = observeStages(state, {
      ...{ step, columns, setting, isWarmingUp: false },
      ...{ flags: Uint32Array.of(0), gradientMedian: Float32Array.of(NaN) },
    });
    if (step < 200) continue;
    begun.push(
      ...changes.filter(({ label }) => label === null).map(({ stage }) => `${stage} ${step}`),
    );
  }
  return begun;
}

describe('a slow change of stage', () => {
  it.each([
    [1, 202],
    [2, 202],
    [5, 205],
    [10, 210],
  ])('reported every %s steps comes with the second report and the third step: %s', (k, step) => {
    const collapse = stagesFrom(k, (at) => (at < 200 ? HEALTHY : COLLAPSED));
    expect(collapse).toEqual([`update_collapsed ${step}`]);
    const split = stagesFrom(k, (at) => ({ ...COLLAPSED, ratio_dip: at < 200 ? 0 : 0.05 }));
    expect(split).toEqual([`armed ${step}`]);
  });

  it.each([1, 2, 5, 10])('does not come of one report, reported every %s steps', (k) => {
    expect(stagesFrom(k, (at) => (at === 200 ? COLLAPSED : HEALTHY))).toEqual([]);
  });

  it('counts steps between reports of the dips where other metrics come on every step', () => {
    const { ratio_dip, ...rest } = COLLAPSED;
    const sparse = (at: number) => {
      if (at % 10 !== 0) return rest;
      return { ...rest, ratio_dip: at < 200 ? ratio_dip : 0.05 };
    };
    expect(stagesFrom(1, sparse)).toEqual(['armed 210']);
  });

  it.each([
    [1, 202],
    [5, 210],
    [10, 220],
  ])('that the cosine decides needs three reports, made every %s steps: %s', (k, step) => {
    const drift = (at: number) => ({ ...COLLAPSED, gradient_cosine: at < 200 ? 0 : 0.5 });
    expect(stagesFrom(k, drift)).toEqual([`correlating ${step}`]);
  });
});
