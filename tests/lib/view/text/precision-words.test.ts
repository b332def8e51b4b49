import { describe, expect, it } from 'vitest';
import { formatStep } from '@/lib/view/text/format-number';
import { describePrecision } from '@/lib/view/text/precision-words';

const stored = { exactBytes: 10, roundedBytes: 20, roundedBefore: 12_000 };

describe('what is said of rounded values', () => {
  it('is said up to the step from which on nothing was ever rounded', () => {
    expect(describePrecision(stored, 11_999)?.note).toBe('rounded to three digits');
    expect(describePrecision(stored, 11_999)?.explanation).toContain(
      `before step ${formatStep(12_000)} `,
    );
    expect(describePrecision(stored, 12_000)).toBeNull();
  });

  it('is nothing where all values are as they were posted', () => {
    expect(describePrecision({ ...stored, roundedBefore: null }, 0)).toBeNull();
  });
});
