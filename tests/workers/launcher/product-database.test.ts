import { expect, it } from 'vitest';
import { describeWarning } from '@/workers/launcher/product-database';

it("passes on PostgreSQL's own words as they are", () => {
  const line = '2026-01-01 03:00:00 UTC [7] ERROR:  could not extend file "base/1": No space left';
  expect(describeWarning({ line }, 'postgres')).toBe(line);
});

it('tells what the launcher found with its fields', () => {
  expect(describeWarning({ leftover: 'killed' }, 'recovering')).toBe(
    'recovering {"leftover":"killed"}',
  );
});
