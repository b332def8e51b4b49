import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findTextFault, findUnstorableText } from '@/lib/contract/storable-text';

describe('findTextFault', () => {
  it('lets every text pass that UTF-8 and PostgreSQL hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(findTextFault(text.replaceAll('\0', ''))).toBeNull();
      }),
    );
  });

  it('finds U+0000 and halves of pairs', () => {
    expect(findTextFault('a\0')).toContain('U+0000');
    expect(findTextFault('\ud800')).toContain('surrogate');
    expect(findTextFault('\udc00\ud800')).toContain('surrogate');
    expect(findTextFault('🚀')).toBeNull();
  });
});

describe('findUnstorableText', () => {
  it('names the first one, in values and in names', () => {
    expect(findUnstorableText({ a: 1, b: ['x', { c: 'y\0' }], d: '\0' })?.path).toBe('b.1.c');
    expect(findUnstorableText({ a: { 'k\0': 1 } })?.path).toBe('a.k\\u0000');
    expect(findUnstorableText('\0')?.path).toBe('');
  });

  it('finds none in what can be stored', () => {
    expect(findUnstorableText({ a: [null, 1, true, 'é'], b: {} })).toBeNull();
  });
});
