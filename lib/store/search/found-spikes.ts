/** The spikes that a question asks for, as the relation `found` over `considered`. */
import type { SpikeSearch } from '../../contract/spike-search';
import type { SearchSql } from './run-selection';
import { parseTextMatch } from './search-transaction';

/** When a step was: what the job said, else when it came. */
export const timeOfStep = (step: string): string =>
  `CASE WHEN ${step}.wall_time > '-Infinity' AND ${step}.wall_time < 'Infinity'
    THEN to_timestamp(${step}.wall_time) ELSE ${step}.received_at END`;

/** Layers of fewer coordinates than this are noise, and so are their norms. */
const LARGE = 1000;

/**
 * By the second look where the loss stands out in it, as `lib/view/refined-spike.ts` says,
 * and with the layer that moved first, of those that are asked for; of several on one step
 * a large one, as in a postmortem.
 */
export function foundSql(sql: SearchSql, query: SpikeSearch): string {
  const conditions = [`spike.kind = ANY(${sql.add(query.kind, 'text[]')})`];
  if (query.recovery !== undefined) {
    conditions.push(`best.recovery = ANY(${sql.add(query.recovery, 'text[]')})`);
  }
  if (query.verdict !== undefined) {
    conditions.push(`spike.verdict = ANY(${sql.add(query.verdict, 'text[]')})`);
  }
  if (query.layer !== undefined || query.minLead !== undefined) {
    conditions.push(`mover.lead_steps >= ${sql.add(query.minLead ?? 0, 'bigint')}`);
  }
  if (query.stage !== undefined) conditions.push(stageSql(sql, query.stage, query.stageLayer));
  const isTimed = query.from !== undefined || query.to !== undefined;
  if (query.from !== undefined) {
    conditions.push(`${timeOfStep('told')} >= ${sql.add(query.from, 'timestamptz')}`);
  }
  if (query.to !== undefined) {
    conditions.push(`${timeOfStep('told')} < ${sql.add(query.to, 'timestamptz')}`);
  }
  return `found AS MATERIALIZED (
    SELECT considered.*, spike.id, spike.kind, spike.onset_step AS told_step, spike.verdict,
      spike.recovered_step, best.onset_step, best.rise_step, best.peak_step, best.peak_value,
      best.baseline, best.recovery, mover.layer AS mover_layer, mover.name AS mover_name,
      mover.kind AS mover_kind, mover.metric AS mover_metric, mover.step AS mover_step,
      mover.lead_steps, mover.z AS mover_z,
      greatest(0, coalesce(spike.recovered_step, considered.last_step, best.onset_step) - best.onset_step) AS lost_steps
    FROM considered
    JOIN spike ON spike.run = considered.run AND spike.attempt = considered.attempt
    CROSS JOIN LATERAL (
      SELECT CASE WHEN (spike.reevaluation ->> 'standsOut')::boolean THEN spike.reevaluation END AS seen
    ) AS look
    CROSS JOIN LATERAL (
      SELECT coalesce((look.seen ->> 'onsetStep')::bigint, spike.onset_step) AS onset_step,
        coalesce((look.seen ->> 'riseStep')::bigint, spike.rise_step, spike.onset_step) AS rise_step,
        coalesce((look.seen ->> 'peakStep')::bigint, spike.peak_step) AS peak_step,
        coalesce((look.seen ->> 'peakValue')::float8, spike.peak_value) AS peak_value,
        coalesce((look.seen ->> 'baseline')::float8, spike.baseline) AS baseline,
        coalesce(look.seen ->> 'recovery', spike.recovery) AS recovery
    ) AS best
    LEFT JOIN LATERAL (
      SELECT moved.layer, layer.name, layer.kind, moved.metric, moved.step,
        best.rise_step - moved.step AS lead_steps, moved.z
      FROM (
        SELECT (entry ->> 'layer')::int AS layer, entry ->> 'metric' AS metric,
          (entry ->> 'step')::bigint AS step, (entry ->> 'z')::float8 AS z, place
        FROM jsonb_array_elements(spike.first_movers) WITH ORDINALITY AS movers (entry, place)
      ) AS moved
      JOIN layer ON layer.run = spike.run AND layer.index = moved.layer
      WHERE moved.step <= best.rise_step ${nameSql(sql, 'layer.name', query.layer)}
      ORDER BY moved.step, layer.parameter_count < ${LARGE}, moved.z DESC NULLS LAST, moved.place
      LIMIT 1
    ) AS mover ON true
    ${
      isTimed
        ? `JOIN step AS told ON told.run = spike.run AND told.attempt = spike.attempt
      AND told.step = spike.onset_step`
        : ''
    }
    WHERE ${conditions.map((condition) => `(${condition})`).join(' AND ')}
  )`;
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
