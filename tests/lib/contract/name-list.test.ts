import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinNames, splitNames } from '@/lib/contract/name-list';

describe('a list of names in one parameter', () => {
  it('is separated by commas, of which a name may have its own', () => {
    expect(joinNames(['keep', '8 × 64, wide', 'a\\b'])).toBe('keep,8 × 64\\, wide,a\\\\b');
    expect(splitNames('keep,8 × 64\\, wide,a\\\\b')).toEqual(['keep', '8 × 64, wide', 'a\\b']);
  });

  it('has no empty names', () => {
    expect(splitNames('')).toEqual([]);
    expect(splitNames(',a,,b,')).toEqual(['a', 'b']);
  });

  it('takes a backslash at the end as it is', () => {
    expect(splitNames('a\\')).toEqual(['a\\']);
  });

  it('comes back as it went', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, unit: 'grapheme' })), (names) => {
        expect(splitNames(joinNames(names))).toEqual(names);
      }),
    );
  });
});
