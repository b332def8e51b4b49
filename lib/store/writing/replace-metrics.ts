/**
 * Layer metrics computed anew, put in the place of those that are stored. The one way in
 * which a stored cell changes: by a batch job that somebody asked for.
 *
 * One transaction: lock the run against deletion and the attempt against compaction ▶
 * numbers of new names ▶ hot posts ▶ compacted posts.
 */
import type { PoolClient } from 'pg';
import { AppError } from '../../contract/app-error';
import { MAX_METRICS_PER_RUN } from '../../contract/identifiers';
import { replaceInBlocks } from './block-replacement';
import { lockAttempt } from '../compaction/compaction-state';
import type { Database } from '../database';
import { replaceInHotFrames } from './hot-replacement';

/** What one post's layers are given. */
export interface Replacement {
  readonly step: number;
  readonly layerOffset: number;
  readonly layerCount: number;
  /** [L'] a metric; MISSING_FLOAT32_BITS leaves the cell without a value. */
  readonly layerMetrics: ReadonlyMap<string, Float32Array>;
}

/**
 * Replaces, or adds where there was none, the named metrics of the posts given.
 *
 * Returns  how many posts were left out, of steps of which only rollups are kept; null, and
 *          nothing written, for a run that was deleted meanwhile
 * Throws   AppError `too_many_metrics`
 */
export async function replaceLayerMetrics(
  db: Database,
  runKey: string,
  attempt: number,
  replacements: readonly Replacement[],
): Promise<number | null> {
  const client = await db.pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('BEGIN');
    // The stronger lock first: whoever deletes the run may wait between the two.
    await client.query('SELECT 1 FROM run WHERE run = $1 FOR NO KEY UPDATE', [runKey]);
    const facts = await lockAttempt(client, { runKey, attempt });
    let leftOut: number | null = null;
    if (facts !== null) {
      const ids = await numberMetrics(client, runKey, replacements);
      const others = await replaceInHotFrames(client, runKey, attempt, replacements, ids);
      leftOut = await replaceInBlocks(client, runKey, attempt, others, ids);
    }
    await client.query('COMMIT');
    return leftOut;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    // Closing the connection of a failed transaction ends it, whatever state it is in.
    client.release(failure);
  }
}

/** Under the lock of the run's row, as the writer hands out numbers. */
async function numberMetrics(
  client: PoolClient,
  runKey: string,
  replacements: readonly Replacement[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ metric: number; name: string }>(
    `SELECT metric, name FROM metric WHERE run = $1 AND kind = 'layer'`,
    [runKey],
  );
  const ids = new Map(rows.map(({ metric, name }) => [name, metric]));
  const wanted = new Set(replacements.flatMap(({ layerMetrics }) => [...layerMetrics.keys()]));
  const added = [...wanted].filter((name) => !ids.has(name));
  if (added.length === 0) return ids;
  if (ids.size + added.length > MAX_METRICS_PER_RUN) {
    throw new AppError(
      'too_many_metrics',
      `expected at most ${MAX_METRICS_PER_RUN} different layer names in a run; it has ${ids.size} and ${added.join(', ')} would be more`,
    );
  }
  // Numbers are handed out from 0 without gaps, so the size is the next one.
  for (const name of added) ids.set(name, ids.size);
  await client.query(
    `INSERT INTO metric (run, kind, metric, name)
     SELECT $1::uuid, 'layer', * FROM unnest($2::int[], $3::text[])`,
    [runKey, added.map((name) => ids.get(name)), added],
  );
  return ids;
}
