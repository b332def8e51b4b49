import { describe, expect, it } from 'vitest';
import {
  driftOfCosine,
  parseDrift,
  prepareCorrelatedReference,
} from '@/lib/view/layer/correlated-reference';

const BETAS = { beta1: 0.9, beta2: 0.95 };
const reasonOf = (reference: ReturnType<typeof prepareCorrelatedReference>) =>
  reference !== null && 'reason' in reference ? reference.reason : null;

describe('the correlated reference', () => {
  it('has its two peaks where ρ puts them, with the width that theory gives', () => {
    const reference = prepareCorrelatedReference(1, BETAS, null);
    expect(reference).toMatchObject({
      label: 'correlated, ρ 1: ±0.71, lag-1 cosine 0.50',
      parts: [
        { weight: 0.5, mean: expect.closeTo(-0.7071, 4) },
        { weight: 0.5, mean: expect.closeTo(0.7071, 4), std: expect.closeTo(0.118, 2) },
      ],
    });
  });

  it('takes ρ from the measured cosine: modes at ±√c', () => {
    const reference = prepareCorrelatedReference('cosine', BETAS, 0.5);
    expect(reference).toMatchObject({ drift: 1 });
    expect(driftOfCosine(0.9)).toBeCloseTo(3, 9);
  });

  it('says why there is none', () => {
    expect(reasonOf(prepareCorrelatedReference(1, null, 0.5))).toMatch(/^No β1 and β2/);
    expect(reasonOf(prepareCorrelatedReference('cosine', BETAS, null))).toMatch(/^No lag-1 cosine/);
    expect(reasonOf(prepareCorrelatedReference('cosine', BETAS, -0.4))).toBe(
      'A lag-1 cosine of −0.40 is none that a steady drift makes: choose ρ.',
    );
    expect(prepareCorrelatedReference(null, BETAS, 0.5)).toBeNull();
  });

  it('reads what a URL may hold and nothing else', () => {
    expect(['0.5', '10', 'cosine'].map(parseDrift)).toEqual([0.5, 10, 'cosine']);
    expect([null, '', '0', '-1', '1e9', '999', 'x'].map(parseDrift)).toEqual(
      Array.from({ length: 7 }, () => null),
    );
  });
});
