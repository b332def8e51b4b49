import { describe, expect, it } from 'vitest';
import type { ExplainedStage } from '@/lib/contract/reads';
import { prepareStageStrip } from '@/lib/view/layer/stage-strip';

const window = { fromStep: 100, toStep: 200 };
const interval = (over: Partial<ExplainedStage>): ExplainedStage => ({
  layer: 0,
  attempt: 1,
  stage: 'healthy',
  label: null,
  meaning: null,
  fromStep: 1,
  toStep: null,
  ...over,
});

describe('the strip of stages', () => {
  it('is cut to the window, each step reaching half-way to the next', () => {
    const strip = prepareStageStrip(
      [
        interval({ stage: 'update_collapsed', toStep: 149 }),
        interval({ stage: 'trigger', fromStep: 150, toStep: 150 }),
        interval({ stage: 'explosion', fromStep: 151 }),
      ],
      window,
    );
    expect(strip.map(({ letter, from, to }) => [letter, from, to])).toEqual([
      ['U', 0, 0.495],
      ['T', 0.495, 0.505],
      ['X', 0.505, 1],
    ]);
    expect(strip[1]?.title).toBe('Trigger, steps 150–150');
  });

  it('is not parted by labels, and names them', () => {
    const strip = prepareStageStrip(
      [
        interval({ toStep: 120 }),
        interval({ label: 'stale_v', fromStep: 121, toStep: 130 }),
        interval({ fromStep: 131 }),
      ],
      window,
    );
    expect(strip.map(({ title }) => title)).toEqual(['Healthy, steps 100–200, stale v']);
  });

  it('leaves steps without a stage empty', () => {
    expect(prepareStageStrip([], window)).toEqual([]);
    expect(prepareStageStrip([interval({ toStep: 50 })], window)).toEqual([]);
  });
});
