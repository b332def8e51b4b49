/** On which steps the RMS of which layers began to spike: what loss spikes are held against. */
import type { PoolClient } from 'pg';
import type { Database } from '../database';
import { segmentFilter } from '../reading/segment-filter';
import type { Segment } from '../runs/trajectory';

export interface RmsSpikeStep {
  readonly step: number;
  /** Each once. */
  readonly layers: readonly number[];
}

/** Steps written before are written over: a replay finds the same. */
export async function addRmsSpikeSteps(
  client: PoolClient,
  runKey: string,
  attempt: number,
  found: readonly RmsSpikeStep[],
): Promise<void> {
  await client.query({
    name: 'add_rms_spike_steps',
    // Ragged arrays cannot be unnested as arrays: they travel as text.
    text: `INSERT INTO rms_spike_step (run, attempt, step, layers)
      SELECT $1::uuid, $2::int, step, layers::int[] FROM unnest($3::bigint[], $4::text[]) AS found (step, layers)
      ON CONFLICT (run, attempt, step) DO UPDATE SET layers = excluded.layers`,
    values: [
      runKey,
      attempt,
      found.map(({ step }) => step),
      found.map(({ layers }) => `{${layers.join(',')}}`),
    ],
  });
}

/**
 * Calls `onSpike` for each layer that began to spike, steps ascending. One range scan of the
 * primary key; nothing is collected.
 */
export async function scanRmsSpikeSteps(
  db: Database,
  runKey: string,
  segment: Segment,
  onSpike: (step: number, layer: number) => void,
): Promise<void> {
  await db.copyRows(
    `SELECT step, unnest(layers) FROM rms_spike_step WHERE ${segmentFilter(runKey, segment)} ORDER BY step`,
    (row) => {
      onSpike(row.int8(0), row.int4(1));
    },
  );
}
