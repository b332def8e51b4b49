import { describe, expect, it } from 'vitest';
import { checkRestarts } from '@/lib/postmortem/restart-checks';
import { anAttempt, someFacts } from '@/tests/builders/postmortem-facts';

const adam = (beta2: number) => ({ name: 'adamw', beta1: 0.9, beta2, epsilon: 1e-8 });

function check(older: number, newer: number, rms: number | null, excess: number | null = 0) {
  const extreme = (metric: string, value: number | null) =>
    value === null ? null : { metric, layer: 1, step: 611, value };
  return checkRestarts(
    someFacts({
      attempts: [
        anAttempt({ optimizer: adam(older) }),
        anAttempt({ attempt: 2, resumeFromStep: 500, optimizer: adam(newer) }),
      ],
      extremes: [
        {
          attempt: 2,
          rms: extreme('rms', rms),
          ratioExcess: extreme('ratio_beyond_bound_fraction', excess),
        },
      ],
    }),
  );
}

describe('a restart with another β2', () => {
  it('is not in effect where RMS passes what it caps', () => {
    const [found] = check(0.999, 0.95, 5.2);
    expect(found).toMatchObject({ setting: 'beta2', outcome: 'not_in_effect' });
    expect(found!.text).toBe(
      'Attempt 2, from 500: β2 0.999 → 0.95. Not in effect: RMS of h.0.mlp was 5.20 at 611, and this β2 caps it at 4.47.',
    );
    expect(found!.evidence).toEqual([
      { metric: 'rms', layer: 1, attempt: 2, step: 611, value: 5.2 },
    ]);
  });

  it('is in effect where RMS passes what the old one capped', () => {
    expect(check(0.95, 0.999, 5.2)[0]).toMatchObject({ outcome: 'in_effect' });
  });

  it('cannot be told from RMS below both caps, or without RMS', () => {
    expect(check(0.999, 0.95, 4.4)[0]).toMatchObject({ outcome: 'cannot_tell' });
    expect(check(0.999, 0.95, null)[0]).toMatchObject({ outcome: 'cannot_tell' });
  });

  it('is not in effect where |r| is beyond what the betas allow', () => {
    const [found] = check(0.999, 0.95, 1, 0.02);
    expect(found).toMatchObject({ outcome: 'not_in_effect' });
    expect(found!.text).toMatch(/\|r\| of h\.0\.mlp was beyond .* in 2\u202f% of coordinates/);
  });
});

it('says that a restart changed nothing, and nothing of a run without one', () => {
  expect(check(0.95, 0.95, 1)).toMatchObject([{ setting: 'none', outcome: 'cannot_tell' }]);
  expect(checkRestarts(someFacts())).toEqual([]);
});
