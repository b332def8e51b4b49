/** A connection of its own that compacts, and can be made to fail. */
import pg from 'pg';
import { compactAttempt, type CompactionUnit } from '@/lib/store/compaction/compact-attempt';
import { createBuffers } from '@/lib/store/compaction/write-blocks';

const MAX_UNITS = 10_000;

export async function withClient<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Compacts until nothing is left to do at once; returns what was done, unit by unit. */
export async function compactAll(
  client: pg.Client,
  runKey: string,
  attempts: readonly number[] = [1],
): Promise<CompactionUnit[]> {
  const buffers = createBuffers();
  const units: CompactionUnit[] = [];
  for (const attempt of attempts) {
    for (let hasMore = true; hasMore;) {
      const unit = await compactAttempt(
        client,
        { runKey, attempt },
        { includesLate: true, buffers },
      );
      units.push(unit);
      hasMore = unit.hasMore;
      if (units.length > MAX_UNITS) throw new Error('compaction does not come to an end');
    }
  }
  return units;
}
