/** What a unit of compaction knows of its attempt, under the locks that it holds until COMMIT. */
import type { ClientBase } from 'pg';
import { DELETING } from '../runs/run-status';

/** One attempt of one run. */
export interface AttemptId {
  /** `runKeyOf(id)`. */
  readonly runKey: string;
  readonly attempt: number;
}

export interface AttemptFacts {
  readonly layerCount: number;
  /** Highest reported step; -1 before the first. */
  readonly newestStep: number;
  /** Takes no more steps as a rule: a newer attempt exists, or the run has ended. */
  readonly isFinal: boolean;
  /** The numbers of the run's layer metrics, ascending. */
  readonly metricIds: readonly number[];
  /** The scalars that have a column in `step`, by that column. */
  readonly columnIds: ReadonlyMap<string, number>;
  readonly blocksTo: number;
  /** By level; none for a level without rows. */
  readonly rolledTo: readonly number[];
  /** Histograms of steps below are in rollups where these pay. */
  readonly histogramsTo: number;
  /** Where the rounding of old blocks goes on. */
  readonly roundedTo: number;
  /** Steps from here on were never rounded. */
  readonly roundedEnd: number;
}

/**
 * Locks the run against its deletion and the attempt against another compactor, and reads
 * where it stands. Null for a run that is gone.
 *
 * Must be the first of its transaction, at READ COMMITTED: the lock of a row that was marked
 * as deleted meanwhile is then refused.
 */
export async function lockAttempt(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
): Promise<AttemptFacts | null> {
  const run = await client.query<{
    layer_count: number;
    newest_step: string | null;
    is_final: boolean;
    metric_ids: number[] | null;
    columns: Record<string, number> | null;
  }>({
    name: 'compaction_lock_run',
    text: `SELECT layer_count,
        (SELECT step.step FROM step WHERE step.run = run.run AND step.attempt = $2
         ORDER BY step.step DESC LIMIT 1) AS newest_step,
        status <> 'running' OR EXISTS (
          SELECT 1 FROM attempt WHERE attempt.run = run.run AND attempt.attempt > $2) AS is_final,
        (SELECT array_agg(metric.metric ORDER BY metric.metric) FROM metric
         WHERE metric.run = run.run AND kind = 'layer') AS metric_ids,
        (SELECT jsonb_object_agg(metric.name, metric.metric) FROM metric
         WHERE metric.run = run.run AND kind = 'scalar'
           AND metric.name IN ('loss', 'learning_rate', 'gradient_norm')) AS columns
      FROM run WHERE run.run = $1 AND status <> '${DELETING}' FOR KEY SHARE OF run`,
    values: [runKey, attempt],
  });
  const [facts] = run.rows;
  if (facts === undefined) return null;
  const state = await lockState(client, runKey, attempt);
  return {
    layerCount: facts.layer_count,
    newestStep: Number(facts.newest_step ?? -1),
    isFinal: facts.is_final,
    metricIds: facts.metric_ids ?? [],
    columnIds: new Map(Object.entries(facts.columns ?? {})),
    ...state,
  };
}

async function lockState(
  client: ClientBase,
  runKey: string,
  attempt: number,
): Promise<{
  blocksTo: number;
  rolledTo: number[];
  histogramsTo: number;
  roundedTo: number;
  roundedEnd: number;
}> {
  for (;;) {
    const { rows } = await client.query<{
      blocks_to: string;
      rolled_to: string[];
      histograms_to: string;
      rounded_to: string;
      rounded_end: string;
    }>({
      name: 'compaction_lock_state',
      text: `SELECT blocks_to, rolled_to, histograms_to, rounded_to, rounded_end FROM compaction_state
        WHERE run = $1 AND attempt = $2 FOR UPDATE`,
      values: [runKey, attempt],
    });
    const [row] = rows;
    if (row !== undefined) {
      return {
        blocksTo: Number(row.blocks_to),
        rolledTo: row.rolled_to.map(Number),
        histogramsTo: Number(row.histograms_to),
        roundedTo: Number(row.rounded_to),
        roundedEnd: Number(row.rounded_end),
      };
    }
    await client.query(
      `INSERT INTO compaction_state (run, attempt, blocks_to, rolled_to)
       VALUES ($1, $2, 0, '{}') ON CONFLICT (run, attempt) DO NOTHING`,
      [runKey, attempt],
    );
  }
}

export async function saveState(
  client: ClientBase,
  { runKey, attempt }: AttemptId,
  {
    blocksTo,
    rolledTo,
    histogramsTo,
    roundedTo,
  }: {
    readonly blocksTo: number;
    readonly rolledTo: readonly number[];
    readonly histogramsTo: number;
    readonly roundedTo: number;
  },
): Promise<void> {
  await client.query({
    name: 'compaction_save_state',
    text: `UPDATE compaction_state SET blocks_to = $3, rolled_to = $4, rounded_to = $5,
        rounded_end = greatest(rounded_end, $5), histograms_to = $6
      WHERE run = $1 AND attempt = $2`,
    values: [runKey, attempt, blocksTo, rolledTo, roundedTo, histogramsTo],
  });
}
