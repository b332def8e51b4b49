/** The spikes that a question asks for, as the relation `found` over `considered`. */
import type { SpikeSearch } from '../../contract/spike-search';
import type { SearchSql } from './run-selection';
import { timeOfStep } from '../step-time';
import { parseTextMatch } from '../text-match';

/** Layers of fewer coordinates than this are noise, and so are their norms. */
const LARGE = 1000;

/**
 * By the second look where the loss stands out in it, as `lib/view/spikes/refined-spike.ts` says.
 * Nothing but what is counted and sorted by: there may be a hundred thousand. `columns` of
 * `considered` come along; `withMover` adds the name and kind of the first mover, which costs
 * a look-up a layer that moved.
 */
export function foundSql(
  sql: SearchSql,
  query: SpikeSearch,
  { columns = [], withMover = false }: { columns?: readonly string[]; withMover?: boolean } = {},
): string {
  const conditions = [`spike.kind = ANY(${sql.add(query.kind, 'text[]')})`];
  if (query.recovery !== undefined) {
    conditions.push(`${ENDING_SQL} = ANY(${sql.add(query.recovery, 'text[]')})`);
  }
  if (query.verdict !== undefined) {
    conditions.push(`spike.verdict = ANY(${sql.add(query.verdict, 'text[]')})`);
  }
  if (query.layer !== undefined || query.minLead !== undefined) {
    conditions.push(`lead.lead_steps >= ${sql.add(query.minLead ?? 0, 'bigint')}`);
  }
  if (query.stage !== undefined) conditions.push(stageSql(sql, query.stage, query.stageLayer));
  const isTimed = query.from !== undefined || query.to !== undefined;
  if (query.from !== undefined) {
    conditions.push(`${timeOfStep('told')} >= ${sql.add(query.from, 'timestamptz')}`);
  }
  if (query.to !== undefined) {
    conditions.push(`${timeOfStep('told')} < ${sql.add(query.to, 'timestamptz')}`);
  }
  const own = columns.map((column) => `, considered.${column}`).join('');
  const needsSets = withMover || query.layer !== undefined;
  return `${needsSets ? `${layerSetsSql(sql, query.layer)},` : ''}
  found AS MATERIALIZED (
    SELECT considered.run, considered.attempt, spike.id, spike.kind, spike.verdict,
      best.onset_step, best.rise_step, ${ENDING_SQL} AS ending, lead.lead_steps,
      greatest(0, coalesce(spike.recovered_step, considered.last_step, best.onset_step)
        - best.onset_step) AS lost_steps${own}
      ${withMover ? ', mover_layer.name AS mover_name, mover_layer.kind AS mover_kind' : ''}
    FROM considered
    JOIN spike ON spike.run = considered.run AND spike.attempt = considered.attempt
    CROSS JOIN LATERAL (${BEST_SQL}) AS best
    ${needsSets ? 'LEFT JOIN layer_sets ON layer_sets.run = considered.run' : ''}
    CROSS JOIN LATERAL (SELECT ${query.layer === undefined ? LEAD_SQL : LEAD_OF_MATCHING_SQL} AS lead_steps) AS lead
    ${
      withMover
        ? `LEFT JOIN LATERAL (
      SELECT moved.layer FROM (${MOVERS_SQL}) AS moved
      WHERE moved.step <= best.rise_step ${query.layer === undefined ? '' : 'AND moved.layer = ANY(layer_sets.matching)'}
      ORDER BY moved.step, coalesce(moved.layer = ANY(layer_sets.large), false) DESC,
        moved.z DESC NULLS LAST, moved.place
      LIMIT 1
    ) AS mover ON true
    LEFT JOIN layer AS mover_layer ON mover_layer.run = considered.run
      AND mover_layer.index = mover.layer`
        : ''
    }
    ${
      isTimed
        ? `JOIN step AS told ON told.run = spike.run AND told.attempt = spike.attempt
      AND told.step = spike.onset_step`
        : ''
    }
    WHERE ${conditions.map((condition) => `(${condition})`).join(' AND ')}
  )`;
}

/** As `recovery` is asked for and grouped by. */
const ENDING_SQL = `CASE WHEN best.recovery = 'open' AND considered.has_ended
  THEN 'never_recovered' ELSE best.recovery END`;

/** What counts of a spike: told, or seen at the second look. */
export const BEST_SQL = `
  SELECT coalesce((look.seen ->> 'onsetStep')::bigint, spike.onset_step) AS onset_step,
    coalesce((look.seen ->> 'riseStep')::bigint, spike.rise_step, spike.onset_step) AS rise_step,
    coalesce((look.seen ->> 'peakStep')::bigint, spike.peak_step) AS peak_step,
    coalesce((look.seen ->> 'peakValue')::float8, spike.peak_value) AS peak_value,
    coalesce((look.seen ->> 'baseline')::float8, spike.baseline) AS baseline,
    coalesce(look.seen ->> 'recovery', spike.recovery) AS recovery
  FROM (
    SELECT CASE WHEN (spike.reevaluation ->> 'standsOut')::boolean THEN spike.reevaluation END AS seen
  ) AS look`;

const MOVERS_SQL = `
  SELECT (entry ->> 'layer')::int AS layer, entry ->> 'metric' AS metric,
    (entry ->> 'step')::bigint AS step, (entry ->> 'z')::float8 AS z, place
  FROM jsonb_array_elements(spike.first_movers) WITH ORDINALITY AS movers (entry, place)`;

/** Steps from the first mover to the rise; detectors rank them by lead: the first entry has the longest. */
const LEAD_SQL = `CASE WHEN (spike.first_movers -> 0 ->> 'step')::bigint <= best.rise_step
    THEN best.rise_step - (spike.first_movers -> 0 ->> 'step')::bigint END`;

/** The same of the layers that are asked for. */
const LEAD_OF_MATCHING_SQL = `(
    SELECT best.rise_step - min(moved.step) FROM (${MOVERS_SQL}) AS moved
    WHERE moved.step <= best.rise_step AND moved.layer = ANY(layer_sets.matching))`;

/** The layers of each run that are large, and those that are asked for: a look-up a run, not one a layer that moved. */
function layerSetsSql(sql: SearchSql, layer: string | undefined): string {
  const matching = nameSql(sql, 'layer.name', layer).replace(/^AND /, '');
  return `layer_sets AS MATERIALIZED (
    SELECT layer.run, array_agg(layer.index) FILTER (WHERE layer.parameter_count >= ${LARGE}) AS large
      ${matching === '' ? '' : `, array_agg(layer.index) FILTER (WHERE ${matching}) AS matching`}
    FROM layer WHERE layer.run IN (SELECT run FROM considered) GROUP BY layer.run
  )`;
}

/** The layer that moved first, of those that are asked for; of several on one step a large one, as in a postmortem. */
export function moverSql(sql: SearchSql, layer: string | undefined): string {
  return `SELECT moved.layer, layer.name, layer.kind, moved.metric, moved.step,
      best.rise_step - moved.step AS lead_steps, moved.z
    FROM (${MOVERS_SQL}) AS moved
    JOIN layer ON layer.run = spike.run AND layer.index = moved.layer
    WHERE moved.step <= best.rise_step ${nameSql(sql, 'layer.name', layer)}
    ORDER BY moved.step, layer.parameter_count < ${LARGE}, moved.z DESC NULLS LAST, moved.place
    LIMIT 1`;
}

/** ` AND …`, or nothing where no name is asked for. */
export function nameSql(sql: SearchSql, column: string, text: string | undefined): string {
  const typed = text?.trim() ?? '';
  if (typed === '') return '';
  const { operator, pattern } = parseTextMatch(typed);
  return `AND ${column} ${operator} ${sql.add(pattern, 'text')}`;
}

function stageSql(sql: SearchSql, stages: readonly string[], layer: string | undefined): string {
  const name = nameSql(sql, 'stage_layer.name', layer);
  return `EXISTS (
    SELECT FROM stage_interval AS stood
    ${
      name === ''
        ? ''
        : `JOIN layer AS stage_layer ON stage_layer.run = stood.run
      AND stage_layer.index = stood.layer ${name}`
    }
    WHERE stood.run = spike.run AND stood.attempt = spike.attempt
      AND stood.stage = ANY(${sql.add(stages, 'text[]')}) AND stood.from_step <= best.onset_step
      AND coalesce(stood.to_step, best.onset_step) >= best.onset_step
  )`;
}
