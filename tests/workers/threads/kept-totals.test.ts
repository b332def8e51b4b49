import { expect, it } from 'vitest';
import { KeptTotals, addCounts } from '@/workers/threads/kept-totals';

it('keeps the totals of threads that died, and of everything else what was said last', () => {
  const none = { done: 0, failed: 0, waiting: 0 };
  const totals = new KeptTotals(none, (before, now) => ({
    ...now,
    ...addCounts(['done', 'failed'], before, now),
  }));
  totals.take({ done: 3, failed: 1, waiting: 7 });
  totals.take({ done: 5, failed: 1, waiting: 9 });
  totals.died();
  expect(totals.sum).toEqual({ done: 5, failed: 1, waiting: 0 });
  totals.take({ done: 2, failed: 0, waiting: 4 });
  totals.died();
  totals.take({ done: 1, failed: 1, waiting: 6 });
  expect(totals.sum).toEqual({ done: 8, failed: 2, waiting: 6 });
  expect(totals.newest).toEqual({ done: 1, failed: 1, waiting: 6 });
});
