import { describe, expect, it } from 'vitest';
import { shortenName } from '@/lib/view/text/shorten-name';

describe('a name within a sentence', () => {
  it('stays as it is while there is room', () => {
    expect(shortenName('B_spontaneous_spike')).toBe('B_spontaneous_spike');
    expect(shortenName('x'.repeat(48))).toBe('x'.repeat(48));
  });

  it('loses its middle where it is too long, and keeps what tells it from its siblings', () => {
    const one = shortenName(`sweep-${'a'.repeat(200)}-lr-3e-4`);
    const other = shortenName(`sweep-${'a'.repeat(200)}-lr-6e-4`);
    expect(one).toHaveLength(48);
    expect(one).toMatch(/^sweep-a+…a+-lr-3e-4$/);
    expect(one).not.toBe(other);
  });

  it('does not cut a character in two', () => {
    expect(shortenName('🜂'.repeat(60))).toBe(`${'🜂'.repeat(31)}…${'🜂'.repeat(16)}`);
  });
});
