/** Retention as the worker does it, on a connection of the test. */
import type pg from 'pg';
import { type Released, retainRun } from '@/lib/store/retention/retain-run';
import type { RetentionCutoffs } from '@/lib/store/retention/retention-cutoffs';

export const OLD = new Date('2026-01-01T00:00:00Z');
export const CUTOFF = new Date('2026-02-01T00:00:00Z');
export const YOUNG = new Date('2026-03-01T00:00:00Z');
const EVERYTHING: RetentionCutoffs = { raw: CUTOFF, distributions: CUTOFF, samples: CUTOFF };

/** What went, or with a dry run what would, batch by batch. */
export async function retain(
  client: pg.Client,
  runKey: string,
  {
    isDryRun = false,
    cutoffs = EVERYTHING,
  }: { isDryRun?: boolean; cutoffs?: RetentionCutoffs } = {},
): Promise<Released[]> {
  const released: Released[] = [];
  const batches = retainRun((work) => work(client), { runKey, cutoffs, isDryRun });
  for await (const batch of batches) if (batch !== null) released.push(batch);
  return released;
}

/** Of each kind how many steps and rows, and their bytes. */
export function totalsOf(released: readonly Released[]): Record<string, number[]> {
  const totals: Record<string, number[]> = {};
  for (const { kind, steps, rows, sizeBytes } of released) {
    const [a = 0, b = 0, c = 0] = totals[kind] ?? [];
    totals[kind] = [a + steps, b + rows, c + sizeBytes];
  }
  return totals;
}
