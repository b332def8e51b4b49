/** Work on a connection that breaks at a query, and runs to try it on. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Database } from '@/lib/store/database';
import type { StoredAttempt } from './stored-attempt';

/** Calls `onQuery` with the number of each query before it is sent. */
function countQueries(client: pg.Client, onQuery: (number: number) => void): void {
  let count = 0;
  const query = client.query.bind(client) as (...parts: unknown[]) => unknown;
  client.query = ((...parts: unknown[]) => {
    onQuery(++count);
    return query(...parts);
  }) as typeof client.query;
}

/**
 * Works until the connection breaks at the n-th query, which the server may still carry out.
 * Returns whether it broke.
 */
export async function runUntilCrash(
  url: string,
  n: number,
  work: (client: pg.Client) => Promise<unknown>,
  onQuery: (number: number) => void = () => undefined,
): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, application_name: 'crashing' });
  client.on('error', () => undefined);
  await client.connect();
  countQueries(client, (number) => {
    onQuery(number);
    if (number !== n) return;
    // After the query has been written to the socket.
    setImmediate(() => {
      (
        client as unknown as { connection: { stream: { destroy(): void } } }
      ).connection.stream.destroy();
    });
  });
  let hasCrashed = false;
  try {
    await work(client);
  } catch (error) {
    if (n === Infinity) throw error;
    hasCrashed = true;
  }
  await client.end().catch(() => undefined);
  return hasCrashed;
}

const TABLES = {
  attempt: 'attempt, resume_from_step, optimizer, created_at',
  metric: 'kind, metric, name',
  step: 'attempt, step, loss, learning_rate, gradient_norm, wall_time, scalar_ids, scalar_values, received_at',
  hot_frame: 'attempt, step, layer_offset, layer_count, metric_ids, "values"',
  metric_block: 'attempt, metric, first_step, span, codec, step_count, step_offsets, "values"',
  metric_rollup:
    'attempt, metric, level, block, bucket_count, bucket_slots, reported, codec, minimum, maximum, mean, exceptions',
  scalar_rollup:
    'attempt, level, block, bucket_count, bucket_slots, steps, scalar_ids, minimum, maximum, mean, last, counts',
  histogram_edges: 'edges_hash, edges',
  histogram_frame:
    'attempt, step, layer_offset, kind, edges_hash, layer_count, bin_count, count_width, outside_width, counts, outside',
  histogram_rollup:
    'attempt, level, bucket, kind, edges_hash, layer_offset, layer_count, bin_count, step_width, count_width, outside_width, steps, counts, outside',
  compaction_state: 'attempt, blocks_to, rolled_to, histograms_to, rounded_to, rounded_end',
  spike:
    'id, attempt, kind, onset_step, confirmed_step, peak_step, recovered_step, recovery, first_movers, verdict, rise_step',
};

/** A run that holds what another holds, made in a moment. */
export async function copyRun({ pool }: Database, runKey: string): Promise<string> {
  const copy = randomUUID();
  await pool.query(
    `INSERT INTO run (run, id, project, name, tags, config, layer_count, layers_hash, status)
     SELECT $2::uuid, $2::uuid::text, project, name, tags, config, layer_count, layers_hash, status FROM run WHERE run = $1`,
    [runKey, copy],
  );
  for (const [table, columns] of Object.entries(TABLES)) {
    await pool.query(
      `INSERT INTO ${table} (run, ${columns}) SELECT $2::uuid, ${columns} FROM ${table} WHERE run = $1`,
      [runKey, copy],
    );
  }
  return copy;
}

/** All that compaction decides, as text. */
export function summaryOf({
  blocksTo,
  rolledTo,
  hot,
  blocks,
  rollups,
  scalars,
}: StoredAttempt): string {
  const bytes = (value: unknown): unknown =>
    ArrayBuffer.isView(value)
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
      : value;
  return JSON.stringify(
    { blocksTo, rolledTo, hot, blocks, rollups, scalars },
    (_, value: unknown) => bytes(value),
  );
}
