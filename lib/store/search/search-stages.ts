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

/** Steps of an interval; what is open counts up to the last step of its attempt. */
const LENGTH_SQL = `(coalesce(stood.to_step, considered.last_step, stood.from_step) - stood.from_step + 1)`;

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
      ), of_layers AS MATERIALIZED (
        -- Without names, which are longer than all else: there may be a million intervals.
        SELECT stood.run, stood.layer, stood.stage, count(*) AS intervals,
          sum(${LENGTH_SQL}) AS steps, max(${LENGTH_SQL}) AS longest
        FROM considered
        JOIN stage_interval AS stood ON stood.run = considered.run
          AND stood.attempt = considered.attempt
        WHERE stood.stage = ANY(${sql.add(query.stage, 'text[]')})
        GROUP BY stood.run, stood.layer, stood.stage
      ), of_keys AS MATERIALIZED (
        SELECT named.key, of_layers.* FROM of_layers
        JOIN named ON named.run = of_layers.run AND named.index = of_layers.layer
      ), of_runs AS (
        SELECT key, stage, run, count(*) AS layers, sum(intervals) AS intervals, sum(steps) AS steps,
          max(longest) AS longest
        FROM of_keys GROUP BY key, stage, run
      ), reached AS (
        SELECT key, stage, count(*)::int AS runs, sum(layers)::int AS layers,
          sum(intervals)::int AS intervals, sum(steps) AS steps, max(longest) AS longest
        FROM of_runs GROUP BY key, stage
      ), page AS MATERIALIZED (
        SELECT *, (count(*) OVER ())::int AS total FROM reached
        ORDER BY runs DESC, steps DESC, key, stage
        LIMIT ${sql.add(limit, 'int')} OFFSET ${sql.add(offset, 'bigint')}
      ), having_it AS (
        SELECT key, count(*)::int AS of_runs FROM (SELECT DISTINCT key, run FROM named) AS once
        GROUP BY key
      ), example AS (
        SELECT DISTINCT ON (page.key, page.stage) page.key, page.stage, of_keys.run, of_keys.layer
        FROM page JOIN of_keys ON of_keys.stage = page.stage AND of_keys.longest = page.longest
          AND coalesce(of_keys.key, '') = coalesce(page.key, '')
          AND (of_keys.key IS NULL) = (page.key IS NULL)
        ORDER BY page.key, page.stage, of_keys.run, of_keys.layer
      )
      SELECT page.key, page.stage, runs, of_runs, layers, intervals, steps::text, total,
        jsonb_build_object('steps', longest, 'runId', run.id, 'runName', run.name, 'layer', example.layer,
          'attempt', place.attempt, 'fromStep', place.from_step, 'toStep', place.from_step + longest - 1) AS longest
      FROM page
      JOIN having_it ON having_it.key IS NOT DISTINCT FROM page.key
      JOIN example ON example.key IS NOT DISTINCT FROM page.key AND example.stage = page.stage
      JOIN run ON run.run = example.run
      CROSS JOIN LATERAL (
        SELECT stood.attempt, stood.from_step FROM considered
        JOIN stage_interval AS stood ON stood.run = considered.run
          AND stood.attempt = considered.attempt
        WHERE considered.run = example.run AND stood.layer = example.layer
          AND stood.stage = example.stage
        ORDER BY ${LENGTH_SQL} DESC, stood.attempt, stood.from_step LIMIT 1
      ) AS place
      ORDER BY runs DESC, page.steps DESC, page.key, page.stage`,
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
