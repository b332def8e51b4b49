/** One page of the spikes that a question asks for, each with what a row of a table needs. */
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { recoverySchema, spikeKindSchema, verdictSchema } from '../../contract/reads';
import { optimizerSchema } from '../../contract/runs';
import { SPIKE_SORTS, type FoundSpike, type SpikeSearch } from '../../contract/spike-search';
import { timeOfStep } from '../step-time';
import { BEST_SQL, foundSql, moverSql } from './found-spikes';
import { SearchSql } from './run-selection';
import { hasEndedSql } from '../runs/has-ended';
import { decodeCursor, encodeCursor, invalidQuery } from './search-transaction';

export interface SpikePage {
  readonly items: readonly Omit<FoundSpike, 'postmortem'>[];
  readonly nextCursor: string | null;
}

/** All descend. */
const PLACES: Readonly<Record<SpikeSearch['sort'], string>> = {
  newest: '0::bigint',
  lead: 'coalesce(lead_steps, -1)::bigint',
  lost: 'lost_steps::bigint',
};

/** The order, then where the last spike of the page stands in it. */
const cursorSchema = z.tuple([
  z.enum(SPIKE_SORTS),
  z.string(),
  z.string(),
  z.guid(),
  z.string(),
  z.string(),
]);

const spikeRowSchema = z.object({
  run_key: z.string(),
  run_id: z.string(),
  run_name: z.string(),
  project: z.string(),
  created: z.string(),
  place: z.string(),
  optimizer: optimizerSchema,
  parameters: z.coerce.number(),
  id: z.string(),
  attempt: z.int(),
  kind: spikeKindSchema,
  onset_step: z.coerce.number(),
  rise_step: z.coerce.number(),
  peak_step: z.string().nullable(),
  peak_value: z.number().nullable(),
  baseline: z.number().nullable(),
  recovered_step: z.string().nullable(),
  recovery: recoverySchema,
  has_ended: z.boolean(),
  verdict: verdictSchema,
  mover_layer: z.int().nullable(),
  mover_name: z.string().nullable(),
  mover_kind: z.string().nullable(),
  mover_metric: z.string().nullable(),
  mover_step: z.string().nullable(),
  lead_steps: z.string().nullable(),
  mover_z: z.number().nullable(),
  lost_steps: z.coerce.number(),
  at: z.date().nullable(),
});
type SpikeRow = z.infer<typeof spikeRowSchema>;

export async function findSpikePage(client: PoolClient, query: SpikeSearch): Promise<SpikePage> {
  const { sort, cursor, limit } = query;
  const sql = new SearchSql(query);
  const considered = sql.consideredSql({ created_at: 'run.created_at' });
  const found = foundSql(sql, query, { columns: ['created_at'] });
  const behind = cursor === undefined ? 'true' : behindCursor(sql, sort, cursor);
  const { rows } = await client.query(
    // What a row shows is looked up for the rows of the page alone.
    `WITH ${considered}, ${found}, page AS MATERIALIZED (
      SELECT run, attempt, id, created_at, onset_step, lost_steps, ${PLACES[sort]} AS place
      FROM found WHERE ${behind}
      ORDER BY place DESC, created_at DESC, run DESC, onset_step, id LIMIT ${sql.add(limit + 1, 'int')}
    )
    SELECT page.run::text AS run_key, page.created_at::text AS created, page.place::text AS place,
      run.id AS run_id, run.name AS run_name, run.project, attempt.optimizer, page.id, page.attempt,
      spike.kind, best.onset_step, best.rise_step, best.peak_step,
      ${finiteSql('best.peak_value')} AS peak_value, ${finiteSql('best.baseline')} AS baseline,
      spike.recovered_step, best.recovery, spike.verdict, ${hasEndedSql('page.attempt')} AS has_ended,
      mover.layer AS mover_layer,
      mover.name AS mover_name, mover.kind AS mover_kind, mover.metric AS mover_metric,
      mover.step AS mover_step, mover.lead_steps, mover.z AS mover_z, page.lost_steps,
      (SELECT coalesce(sum(parameter_count), 0) FROM layer WHERE layer.run = page.run)::text AS parameters,
      (SELECT ${timeOfStep('told')} FROM step AS told WHERE told.run = page.run
        AND told.attempt = page.attempt AND told.step = spike.onset_step) AS at
    FROM page
    JOIN run ON run.run = page.run
    JOIN attempt ON attempt.run = page.run AND attempt.attempt = page.attempt
    JOIN spike ON spike.run = page.run AND spike.id = page.id
    CROSS JOIN LATERAL (${BEST_SQL}) AS best
    LEFT JOIN LATERAL (${moverSql(sql, query.layer)}) AS mover ON true
    ORDER BY page.place DESC, page.created_at DESC, page.run DESC, page.onset_step, page.id`,
    sql.parameters,
  );
  const parsed = z.array(spikeRowSchema).parse(rows);
  const page = parsed.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(toFoundSpike),
    nextCursor:
      parsed.length > limit && last !== undefined
        ? encodeCursor([
            ...[sort, last.place, last.created, last.run_key],
            ...[String(last.onset_step), last.id],
          ])
        : null,
  };
}

/** JSON has no NaN, and neither has a reply. */
const finiteSql = (column: string): string =>
  `CASE WHEN ${column} > '-Infinity' AND ${column} < 'Infinity' THEN ${column} END`;

function behindCursor(sql: SearchSql, sort: SpikeSearch['sort'], cursor: string): string {
  const parsed = cursorSchema.safeParse(decodeCursor(cursor));
  if (!parsed.success) throw invalidQuery('cursor', 'expected the nextCursor of an earlier reply');
  const [cursorSort, ...values] = parsed.data;
  if (cursorSort !== sort) {
    throw invalidQuery('cursor', `expected a cursor of sort ${sort}; this one is of ${cursorSort}`);
  }
  const place = sql.add(values[0], 'bigint');
  const createdAt = sql.add(values[1], 'timestamptz');
  const run = sql.add(values[2], 'uuid');
  const onset = sql.add(values[3], 'bigint');
  const id = sql.add(values[4], 'text');
  const own = PLACES[sort];
  return `${own} < ${place} OR (${own} = ${place} AND ((created_at, run) < (${createdAt}, ${run})
    OR (created_at = ${createdAt} AND run = ${run} AND (onset_step, id) > (${onset}, ${id}))))`;
}

function toFoundSpike(row: SpikeRow): SpikePage['items'][number] {
  const step = (value: string | null): number | null => (value === null ? null : Number(value));
  return {
    run: { id: row.run_id, name: row.run_name, project: row.project },
    optimizer: row.optimizer,
    parameters: row.parameters,
    id: row.id,
    attempt: row.attempt,
    kind: row.kind,
    onsetStep: row.onset_step,
    riseStep: row.rise_step,
    peakStep: step(row.peak_step),
    peakValue: row.peak_value,
    baseline: row.baseline,
    recoveredStep: step(row.recovered_step),
    recovery: row.recovery,
    hasEnded: row.has_ended,
    verdict: row.verdict,
    mover:
      row.mover_layer === null || row.mover_name === null || row.mover_metric === null
        ? null
        : {
            ...{ layer: row.mover_layer, name: row.mover_name, kind: row.mover_kind },
            ...{ metric: row.mover_metric, step: step(row.mover_step) ?? 0 },
            ...{ leadSteps: step(row.lead_steps) ?? 0, z: row.mover_z },
          },
    lostSteps: row.lost_steps,
    at: row.at?.toISOString() ?? null,
  };
}
