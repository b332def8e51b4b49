/** Which layers reached a stage, over all runs that match. */
import { z } from 'zod';
import type { StageSearch, StageSearchReply } from '../../contract/stage-search';
import { STAGE_NAMES } from '../../contract/stages';
import type { Database } from '../database';
import { nameSql } from './found-spikes';
import { SearchSql } from './run-selection';
import {
  checkPatterns,
  decodeCursor,
  encodeCursor,
  inSearch,
  invalidQuery,
} from './search-transaction';

/** How many rows the pages before had: sums over all runs have no other place to go on from. */
const cursorSchema = z.tuple([z.literal('stages'), z.int().min(0)]);

const rowSchema = z.object({
  key: z.string().nullable(),
  stage: z.enum(STAGE_NAMES),
  runs: z.int(),
  of_runs: z.int(),
  layers: z.int(),
  intervals: z.int(),
  steps: z.coerce.number(),
  longest: z.object({
    steps: z.int(),
    runId: z.string(),
    runName: z.string(),
    attempt: z.int(),
    layer: z.int(),
    fromStep: z.int(),
    toStep: z.int(),
  }),
  total: z.int(),
});

const GROUP_COLUMNS = { layer: 'layer.name', layer_kind: 'layer.kind' } as const;

/**
 * By runs, then by steps, the most first. Reads the stages of every layer that is asked for
 * in the runs that match.
 *
 * Throws  AppError `invalid_query`
 */
export function searchStages(db: Database, query: StageSearch): Promise<StageSearchReply> {
  return inSearch(db, async (client) => {
    const { q, layer, limit, cursor } = query;
    await checkPatterns(client, { q, layer });
    const offset = cursor === undefined ? 0 : offsetOf(cursor);
    const sql = new SearchSql(query);
    const column = GROUP_COLUMNS[query.groupBy];
    const { rows } = await client.query(
      `WITH ${sql.consideredSql()},
      named AS MATERIALIZED (
        SELECT layer.run, layer.index, ${column} AS key FROM layer
        WHERE layer.run IN (SELECT run FROM considered) ${nameSql(sql, 'layer.name', layer)}
      ), stood AS (
        SELECT named.key, interval_of.stage, considered.run, considered.run_id, considered.run_name,
          considered.attempt, interval_of.layer, interval_of.from_step,
          coalesce(interval_of.to_step, considered.last_step, interval_of.from_step) AS to_step
        FROM considered
        JOIN stage_interval AS interval_of ON interval_of.run = considered.run
          AND interval_of.attempt = considered.attempt
        JOIN named ON named.run = considered.run AND named.index = interval_of.layer
        WHERE interval_of.stage = ANY(${sql.add(query.stage, 'text[]')})
      ), reached AS (
        SELECT key, stage, count(DISTINCT run)::int AS runs, count(DISTINCT (run, layer))::int AS layers,
          count(*)::int AS intervals, sum(to_step - from_step + 1) AS steps,
          (array_agg(jsonb_build_object('steps', to_step - from_step + 1, 'runId', run_id,
            'runName', run_name, 'attempt', attempt, 'layer', layer, 'fromStep', from_step, 'toStep', to_step)
            ORDER BY to_step - from_step DESC, run_id, attempt, layer, from_step))[1] AS longest
        FROM stood GROUP BY key, stage
      ), having_it AS (
        SELECT key, count(DISTINCT run)::int AS of_runs FROM named GROUP BY key
      )
      SELECT reached.key, stage, runs, of_runs, layers, intervals, steps::text, longest,
        (count(*) OVER ())::int AS total
      FROM reached JOIN having_it ON having_it.key IS NOT DISTINCT FROM reached.key
      ORDER BY runs DESC, reached.steps DESC, reached.key, stage
      LIMIT ${sql.add(limit, 'int')} OFFSET ${sql.add(offset, 'bigint')}`,
      sql.parameters,
    );
    const asked = new SearchSql(query);
    const counted = await client.query<{ runs: number }>(
      `WITH ${asked.consideredSql()} SELECT count(DISTINCT run)::int AS runs FROM considered`,
      asked.parameters,
    );
    const found = z.array(rowSchema).parse(rows);
    const total = found[0]?.total ?? offset;
    const shown = offset + found.length;
    return {
      items: found.map(({ longest: { steps: longestSteps, ...longest }, ...row }) => ({
        ...{ key: row.key, stage: row.stage, runCount: row.runs, ofRunCount: row.of_runs },
        ...{ layerCount: row.layers, intervalCount: row.intervals, steps: row.steps },
        ...{ longestSteps, longest },
      })),
      total,
      runCount: counted.rows[0]?.runs ?? 0,
      ...(shown < total ? { nextCursor: encodeCursor(['stages', shown]) } : {}),
    };
  });
}

function offsetOf(cursor: string): number {
  const parsed = cursorSchema.safeParse(decodeCursor(cursor));
  if (!parsed.success) throw invalidQuery('cursor', 'expected the nextCursor of an earlier reply');
  return parsed.data[1];
}
