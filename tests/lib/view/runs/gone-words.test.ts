import { describe, expect, it } from 'vitest';
import { KEEP_EVERYTHING } from '@/lib/contract/project-policy';
import type { GapsReply } from '@/lib/contract/retention';
import {
  describeGoneDistributions,
  describeGoneValues,
  isGoneAt,
} from '@/lib/view/runs/gone-words';
import { formatStep } from '@/lib/view/text/format-number';
import { utcZone } from '@/lib/view/text/wall-time';

const gaps: GapsReply = {
  project: 'demo',
  policy: { ...KEEP_EVERYTHING, keepRawDays: 30, keepDistributionsDays: 1 },
  items: [
    {
      ...{ attempt: 1, kind: 'raw', fromStep: 832, toStep: 1663 },
      receivedTo: '2026-09-24T10:00:00.000Z',
    },
    { attempt: 1, kind: 'distributions', fromStep: 781, toStep: 1711, receivedTo: null },
  ],
};

describe('what is said of steps that a policy let go', () => {
  it('names the steps, what stays of them, their age and the rule', () => {
    expect(describeGoneValues(gaps, { fromStep: 1600, toStep: 1700 }, utcZone)).toBe(
      `The single values of steps 832–${formatStep(1663)} are gone; the lowest, highest and mean of every 16 steps stay. They were received by 24 Sep 2026, and project demo keeps them for 30 days.`,
    );
  });

  it('is nothing beside them, and nothing before they are known', () => {
    expect(describeGoneValues(gaps, { fromStep: 1664, toStep: 2000 }, utcZone)).toBeNull();
    expect(describeGoneValues(null, { fromStep: 0, toStep: 2000 }, utcZone)).toBeNull();
    expect(describeGoneDistributions(gaps, { fromStep: 0, toStep: 780 }, utcZone)).toBeNull();
  });

  it('tells values from distributions', () => {
    expect(isGoneAt(gaps, 'raw', 800)).toBe(false);
    expect(isGoneAt(gaps, 'distributions', 800)).toBe(true);
    expect(describeGoneDistributions(gaps, { fromStep: 800, toStep: 800 }, utcZone)).toBe(
      `Distributions of steps 781–${formatStep(1711)} are gone where no spike was near. Project demo keeps them for 1 day.`,
    );
  });

  it('does not name a rule that no longer stands', () => {
    const lifted = { ...gaps, policy: KEEP_EVERYTHING };
    expect(describeGoneValues(lifted, { fromStep: 900, toStep: 900 }, utcZone)).toMatch(
      /and an earlier policy of project demo let them go\.$/,
    );
  });

  it('names three ranges and counts the others', () => {
    const [raw] = gaps.items;
    const many = {
      ...gaps,
      items: [0, 100, 200, 300, 400].map((fromStep) => ({
        ...raw!,
        fromStep,
        toStep: fromStep + 9,
      })),
    };
    expect(describeGoneValues(many, { fromStep: 0, toStep: 500 }, utcZone)).toContain(
      'steps 0–9, 100–109, 200–209 and 2 more ranges are gone',
    );
  });
});
