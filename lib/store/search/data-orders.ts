/** Runs by the order in which they read their data, and what happened to each on which step. */
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { AppError } from '../../contract/app-error';
import type { RecurringBatchesQuery } from '../../contract/recurring-batches';
import type { Database } from '../database';
import { SearchSql } from './run-selection';
import { checkPatterns, inSearch } from './search-transaction';

/** More than these are no question that a page answers. */
const MOST_RUNS = 2000;
const MOST_EVENTS = 50_000;

export interface OrderedRun {
  readonly id: string;
  readonly name: string;
  /** One a setting that says the order, in the order of `settings`. */
  readonly values: readonly string[];
  /** Which of the lists of settings it has: the first of which it has all. */
  readonly list: number;
  readonly fromStep: number;
  readonly toStep: number;
  readonly events: readonly OrderedEvent[];
}
export interface OrderedEvent {
  readonly spikeId: string;
  readonly attempt: number;
  readonly kind: 'loss_spike' | 'outlier_batch' | 'divergence';
  readonly onsetStep: number;
  readonly batchId: number | null;
}
export interface OrderedRuns {
  /** Runs that were asked, with and without an order. */
  readonly runCount: number;
  readonly runs: readonly OrderedRun[];
}

const runRowSchema = z.object({
  run: z.string(),
  id: z.string(),
  name: z.string(),
  list: z.int().nullable(),
  values: z.array(z.string()).nullable(),
  from_step: z.string().nullable(),
  to_step: z.string().nullable(),
});
const eventRowSchema = z.object({
  run: z.string(),
  spike_id: z.string(),
  attempt: z.int(),
  kind: z.enum(['loss_spike', 'outlier_batch', 'divergence']),
  onset_step: z.coerce.number(),
  batch_id: z.unknown(),
});

/**
 * Every run that matches and says its data order, newest first, with its events by onset.
 * `isBatchName` tells which scalars name the batch that a step read.
 *
 * Throws  AppError `invalid_query`
 */
export function findOrderedRuns(
  db: Database,
  query: Pick<RecurringBatchesQuery, 'project' | 'q' | 'tags' | 'config' | 'kind'>,
  settings: readonly (readonly string[])[],
  isBatchName: (name: string) => boolean,
): Promise<OrderedRuns> {
  return inSearch(db, async (client) => {
    await checkPatterns(client, { q: query.q });
    const sql = new SearchSql(query);
    const lists = settings.map(
      (paths) => `ARRAY[${paths.map((path) => `(${sql.settingSql(path)}) #>> '{}'`).join(', ')}]`,
    );
    const whole = (list: string): string => `array_position(${list}, NULL) IS NULL`;
    const list = `CASE ${lists.map((one, at) => `WHEN ${whole(one)} THEN ${at}`).join(' ')} END`;
    const values = `CASE ${lists.map((one) => `WHEN ${whole(one)} THEN ${one}`).join(' ')} END`;
    const { rows } = await client.query(
      `WITH ${sql.consideredSql({ list, order_values: values })}, ordered AS (
         SELECT run, (array_agg(list ORDER BY attempt))[1] AS list, min(first_step) AS from_step,
           max(last_step) AS to_step
         FROM considered GROUP BY run LIMIT ${MOST_RUNS + 1}
       )
       SELECT ordered.run::text, run.id, run.name, ordered.list, from_step, to_step,
         (SELECT same.order_values FROM considered AS same WHERE same.run = ordered.run
           ORDER BY same.attempt LIMIT 1) AS values
       FROM ordered JOIN run ON run.run = ordered.run
       ORDER BY run.created_at DESC, run.run`,
      sql.parameters,
    );
    const runs = z.array(runRowSchema).parse(rows);
    if (runs.length > MOST_RUNS) throw tooMany(`${MOST_RUNS} runs`);
    const ordered = runs.filter(({ list: at, to_step: toStep }) => at !== null && toStep !== null);
    const events = await findEvents(client, ordered, query.kind, isBatchName);
    return {
      runCount: runs.length,
      runs: ordered.map((row) => ({
        ...{ id: row.id, name: row.name, list: row.list ?? 0, values: row.values ?? [] },
        ...{ fromStep: Number(row.from_step), toStep: Number(row.to_step) },
        events: events.get(row.run) ?? [],
      })),
    };
  });
}

function tooMany(what: string): AppError {
  return new AppError('invalid_query', `more than ${what} match; narrow them by project or text`);
}

async function findEvents(
  client: PoolClient,
  runs: readonly { readonly run: string }[],
  kinds: readonly string[],
  isBatchName: (name: string) => boolean,
): Promise<ReadonlyMap<string, OrderedEvent[]>> {
  const keys = runs.map(({ run }) => run);
  const named = await client.query<{ run: string; metric: number; name: string }>(
    `SELECT run::text, metric, name FROM metric
     WHERE run = ANY($1::uuid[]) AND kind = 'scalar' ORDER BY run, metric`,
    [keys],
  );
  const batches = new Map(
    named.rows
      .filter(({ name }) => isBatchName(name))
      .reverse()
      .map(({ run, metric }) => [run, metric]),
  );
  const { rows } = await client.query(
    `SELECT asked.run::text, spike.id AS spike_id, spike.attempt, spike.kind, best.onset_step,
       (SELECT step.scalar_values[array_position(step.scalar_ids, asked.metric)] FROM step
         WHERE step.run = asked.run AND step.attempt = spike.attempt AND step.step = best.onset_step) AS batch_id
     FROM unnest($1::uuid[], $2::smallint[]) AS asked (run, metric)
     JOIN spike ON spike.run = asked.run
     CROSS JOIN LATERAL (
       SELECT CASE WHEN (spike.reevaluation ->> 'standsOut')::boolean
         THEN (spike.reevaluation ->> 'onsetStep')::bigint ELSE spike.onset_step END AS onset_step
     ) AS best
     WHERE spike.kind = ANY($3::text[])
     ORDER BY asked.run, best.onset_step, spike.id LIMIT ${MOST_EVENTS + 1}`,
    [keys, keys.map((key) => batches.get(key) ?? null), kinds],
  );
  if (rows.length > MOST_EVENTS) throw tooMany(`${MOST_EVENTS} events`);
  const events = new Map<string, OrderedEvent[]>();
  for (const row of rows) {
    const { run, batch_id: batchId, ...event } = eventRowSchema.parse(row);
    const known = events.get(run) ?? [];
    known.push({
      ...{ spikeId: event.spike_id, attempt: event.attempt, kind: event.kind },
      onsetStep: event.onset_step,
      // A step may report a batch that is no number.
      batchId: typeof batchId === 'number' && Number.isFinite(batchId) ? batchId : null,
    });
    events.set(run, known);
  }
  return events;
}
