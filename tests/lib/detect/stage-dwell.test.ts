import { describe, expect, it } from 'vitest';
import { LayerFlag } from '@/lib/detect/layer-monitor';
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
 * One layer, reported every `k` steps, that is healthy up to 100 and jumps at 300: the stages
 * that began from 200 on, below `until`, with their steps.
 */
function stagesFrom(
  k: number,
  readingAt: (step: number) => Reading,
  { parameterCount = 4096, until = 300 } = {},
): string[] {
  const state = createStageState(1);
  const begun: string[] = [];
  for (let step = 0; step < 400; step += k) {
    const columns = Object.fromEntries(
      Object.entries(step < 100 ? HEALTHY : readingAt(step)).map(([name, value]) => [
        name,
        Float32Array.of(value),
      ]),
    );
    const changes = observeStages(state, {
      ...{ step, columns, setting, isWarmingUp: false, parameterCounts: [parameterCount] },
      ...{
        flags: Uint32Array.of(step === 300 ? LayerFlag.jump : 0),
        gradientMedian: Float32Array.of(NaN),
      },
    });
    if (step < 200) continue;
    if (step >= until) break;
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

describe('a tensor of few values', () => {
  const signs = { ratio_dip: 0.05, gradient_cosine: 0.5 };
  const drift = (at: number) => (at < 200 ? HEALTHY : { ...COLLAPSED, ...signs });

  it('is not said to correlate or to be armed, which noise alone looks like in it', () => {
    expect(stagesFrom(1, drift, { parameterCount: 499 })).toEqual(['update_collapsed 202']);
    expect(stagesFrom(1, drift, { parameterCount: 500 })).toEqual([
      'update_collapsed 202',
      'armed 205',
    ]);
  });

  it('does not explode after a jump, nor is armed after it', () => {
    const signs = { ratio_dip: 0.05, update_dip: 0.05, update_std: 0.23 };
    const jump = (at: number) =>
      at < 200 || at > 302 ? HEALTHY : at < 300 ? COLLAPSED : { ...COLLAPSED, ...signs };
    const stages = (parameterCount: number) => stagesFrom(1, jump, { parameterCount, until: 400 });
    expect(stages(64)).toEqual([
      'update_collapsed 202',
      'trigger 300',
      'update_collapsed 303',
      'healthy 306',
    ]);
    expect(stages(4096)).toContain('explosion 301');
  });

  it('leaves its stage as any other', () => {
    const back = (at: number) => (at < 200 ? COLLAPSED : HEALTHY);
    expect(stagesFrom(1, back, { parameterCount: 64 })).toEqual(['healthy 202']);
  });
});
