import { describe, expect, it } from 'vitest';
import { TapeReader, TapeWriter } from '@/lib/detect/number-tape';

describe('a tape', () => {
  it('gives back what was written, NaN and infinities too', () => {
    const choices = ['a', 'b'] as const;
    const writer = new TapeWriter();
    writer.numbers([1.5, NaN, -Infinity, -0]);
    writer.boolean(true);
    writer.optional<number>(null, (value) => writer.number(value));
    writer.optional<number>(7, (value) => writer.number(value));
    writer.choice(choices, 'b');
    const reader = new TapeReader(writer.finish());
    expect(reader.numbers()).toEqual([1.5, NaN, -Infinity, -0]);
    expect(reader.boolean()).toBe(true);
    expect(reader.optional(reader.number)).toBeNull();
    expect(reader.optional(reader.number)).toBe(7);
    expect(reader.choice(choices)).toBe('b');
    expect(() => reader.finish()).not.toThrow();
  });

  it('refuses to be read beyond its end, short of it, or as something else', () => {
    expect(() => new TapeReader(Float64Array.of()).number()).toThrow(RangeError);
    expect(() => new TapeReader(Float64Array.of(1)).finish()).toThrow(RangeError);
    expect(() => new TapeReader(Float64Array.of(1e9)).numbers()).toThrow(RangeError);
    expect(() => new TapeReader(Float64Array.of(-1)).numbers()).toThrow(RangeError);
    expect(() => new TapeReader(Float64Array.of(2)).choice(['a', 'b'])).toThrow(RangeError);
  });
});
