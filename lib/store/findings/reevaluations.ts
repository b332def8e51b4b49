/** Second looks at stored spikes, and the losses they are made of. */
import type { Reevaluation } from '../../contract/reads';
import type { Database } from '../database';
import { DELETING } from '../runs/run-status';
import type { Segment } from '../runs/trajectory';

export interface StoredLoss {
  readonly step: number;
  /** null where the step reported none. */
  readonly loss: number | null;
  readonly learningRate: number | null;
}

/** The first `limit` steps of a segment, ascending; a range of the primary key. */
export async function findLosses(
  db: Database,
  runKey: string,
  { attempt, fromStep, toStep }: Segment,
  limit: number,
): Promise<StoredLoss[]> {
  const { rows } = await db.pool.query<{
    step: string;
    loss: number | null;
    learning_rate: number | null;
  }>(
    `SELECT step, loss, learning_rate FROM step
     WHERE run = $1 AND attempt = $2 AND step BETWEEN $3 AND $4 ORDER BY step LIMIT $5`,
    [runKey, attempt, fromStep, toStep, limit],
  );
  return rows.map((row) => ({
    step: Number(row.step),
    loss: row.loss,
    learningRate: row.learning_rate,
  }));
}

/** How many steps of a segment have been reported; an index-only scan of the primary key. */
export async function countSteps(
  db: Database,
  runKey: string,
  { attempt, fromStep, toStep }: Segment,
): Promise<number> {
  const { rows } = await db.pool.query<{ steps: string }>(
    `SELECT count(*) AS steps FROM step WHERE run = $1 AND attempt = $2 AND step BETWEEN $3 AND $4`,
    [runKey, attempt, fromStep, toStep],
  );
  return Number(rows[0]?.steps ?? 0);
}

/** What a second look found of the spike with this id. */
export interface FoundAgain {
  readonly id: string;
  readonly riseStep: number;
  readonly excessArea: number | null;
  readonly levelShift: number | null;
  /** null where there is too little around it. */
  readonly reevaluation: Reevaluation | null;
}

/**
 * Puts second looks beside what the spikes of an attempt were told of; what had not been
 * measured when they were stored is filled in. Returns the ids of the spikes that there are.
 * null, and nothing written, for a run that was deleted meanwhile.
 */
export async function saveReevaluations(
  db: Database,
  { runKey, attempt }: { readonly runKey: string; readonly attempt: number },
  found: readonly FoundAgain[],
): Promise<string[] | null> {
  const client = await db.pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('BEGIN');
    const run = await client.query(
      `SELECT 1 FROM run WHERE run = $1 AND status <> '${DELETING}' FOR KEY SHARE`,
      [runKey],
    );
    if (run.rows.length === 0) {
      await client.query('COMMIT');
      return null;
    }
    await client.query(
      `UPDATE spike SET reevaluation = coalesce(found.reevaluation, spike.reevaluation),
         rise_step = coalesce(spike.rise_step, found.rise_step),
         excess_area = coalesce(spike.excess_area, found.excess_area),
         level_shift = coalesce(spike.level_shift, found.level_shift)
       FROM unnest($2::text[], $3::bigint[], $4::float8[], $5::float8[], $6::jsonb[])
         AS found (id, rise_step, excess_area, level_shift, reevaluation)
       WHERE spike.run = $1 AND spike.id = found.id`,
      [
        runKey,
        found.map(({ id }) => id),
        found.map(({ riseStep }) => riseStep),
        found.map(({ excessArea }) => excessArea),
        found.map(({ levelShift }) => levelShift),
        found.map(({ reevaluation }) =>
          reevaluation === null ? null : JSON.stringify(reevaluation),
        ),
      ],
    );
    const { rows } = await client.query<{ id: string }>(
      `SELECT id FROM spike WHERE run = $1 AND attempt = $2 AND kind IN ('loss_spike', 'outlier_batch', 'divergence')`,
      [runKey, attempt],
    );
    await client.query('COMMIT');
    return rows.map(({ id }) => id);
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    client.release(failure);
  }
}
