import { expect, it } from 'vitest';
import { Parameters } from '@/lib/store/postgres/parameters';

it('gives the same text whatever the values', () => {
  const textOf = (key: string, steps: number[]) => {
    const p = new Parameters();
    const segments = [{ attempt: 1, fromStep: steps[0]!, toStep: Number.MAX_SAFE_INTEGER }];
    const sql = `${p.segments(segments)} ${p.uuid(key)} ${p.integers('smallint', steps)}`;
    return { sql, values: p.values };
  };
  const a = textOf('00000000-0000-0000-0000-000000000001', [1]);
  const b = textOf('00000000-0000-0000-0000-000000000002', [2, 3, 4]);
  expect(a.sql).toBe(b.sql);
  expect(a.sql).toBe(
    'unnest($1::int[], $2::bigint[], $3::bigint[]) AS segment (attempt, from_step, to_step) $4::uuid $5::smallint[]',
  );
  expect(b.values.slice(1)).toEqual([
    '{2}',
    '{9007199254740991}',
    '00000000-0000-0000-0000-000000000002',
    '{2,3,4}',
  ]);
});

it('refuses what is no whole number, or far from any step', () => {
  const p = new Parameters();
  for (const value of [NaN, Infinity, 0.5, 2 ** 55]) {
    expect(() => p.integer('int', value)).toThrow(TypeError);
    expect(() => p.integers('int', [value])).toThrow(TypeError);
  }
});
