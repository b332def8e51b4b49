/** What spikes come to, as a whole or in groups, over the steps of the attempts that were asked. */
import type { PoolClient } from 'pg';
import { z } from 'zod';
import type { GroupKey, SpikeSearch } from '../../contract/spike-search';
import { foundSql } from './found-spikes';
import { SearchSql } from './run-selection';

export interface FoundGroup {
  readonly key: string | null;
  readonly spikeCount: number;
  readonly spikeRunCount: number;
  readonly medianLead: number | null;
  readonly leadCount: number;
  readonly precursorCount: number;
  readonly judgedCount: number;
  readonly lostSteps: number;
  /** What was asked; null where a group is of spikes, which have no steps of their own. */
  readonly asked: {
    readonly runCount: number;
    readonly attemptCount: number;
    readonly steps: number;
  } | null;
}

const countsRowSchema = z.object({
  key: z.string().nullable(),
  spikes: z.int(),
  spike_runs: z.int(),
  median_lead: z.number().nullable(),
  leads: z.int(),
  precursors: z.int(),
  judged: z.int(),
  lost: z.coerce.number(),
  runs: z.int().nullable(),
  attempts: z.int().nullable(),
  steps: z.coerce.number().nullable(),
});

/** Without a group everything is one; that of attempts has those without a spike too. */
export async function findSpikeGroups(
  client: PoolClient,
  query: SpikeSearch,
  groupBy: GroupKey | null,
): Promise<FoundGroup[]> {
  const sql = new SearchSql(query);
  const isOfSpikes = groupBy?.of === 'spike';
  const key = groupBy === null || isOfSpikes ? 'NULL::text' : attemptKey(sql, groupBy, query.sizes);
  const considered = sql.consideredSql({ group_key: key });
  const isOfMovers = groupBy?.of === 'spike' && groupBy.name.startsWith('mover_');
  const found = foundSql(sql, query, { columns: ['group_key'], withMover: isOfMovers });
  const spikeKey = isOfSpikes ? SPIKE_KEYS[groupBy.name] : 'group_key';
  const { rows } = await client.query(
    `WITH ${considered}, ${found},
    of_spikes AS (
      SELECT ${spikeKey} AS key, count(*)::int AS spikes, count(DISTINCT run)::int AS spike_runs,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY lead_steps) AS median_lead,
        count(lead_steps)::int AS leads,
        (count(*) FILTER (WHERE verdict = 'precursor_found'))::int AS precursors,
        (count(*) FILTER (WHERE verdict <> 'insufficient_data'))::int AS judged,
        sum(lost_steps)::text AS lost
      FROM found GROUP BY 1
    ), of_attempts AS (
      SELECT group_key AS key, count(DISTINCT run)::int AS runs, count(*)::int AS attempts,
        sum(steps)::text AS steps
      FROM considered ${isOfSpikes ? 'WHERE false' : ''} GROUP BY 1
    )
    SELECT coalesce(of_spikes.key, of_attempts.key) AS key, coalesce(spikes, 0) AS spikes,
      coalesce(spike_runs, 0) AS spike_runs, median_lead, coalesce(leads, 0) AS leads,
      coalesce(precursors, 0) AS precursors, coalesce(judged, 0) AS judged,
      coalesce(lost, '0') AS lost, runs, attempts, steps
    FROM of_spikes FULL JOIN of_attempts
      ON coalesce(of_spikes.key, '') = coalesce(of_attempts.key, '')
      AND (of_spikes.key IS NULL) = (of_attempts.key IS NULL)`,
    sql.parameters,
  );
  return z
    .array(countsRowSchema)
    .parse(rows)
    .map((row) => ({
      key: row.key,
      spikeCount: row.spikes,
      spikeRunCount: row.spike_runs,
      medianLead: row.median_lead,
      leadCount: row.leads,
      precursorCount: row.precursors,
      judgedCount: row.judged,
      lostSteps: row.lost,
      asked:
        row.runs === null
          ? null
          : { runCount: row.runs, attemptCount: row.attempts ?? 0, steps: row.steps ?? 0 },
    }));
}

const SPIKE_KEYS = {
  kind: 'kind',
  recovery: 'ending',
  mover_kind: 'mover_kind',
  mover_layer: 'mover_name',
} as const;

function attemptKey(
  sql: SearchSql,
  group: Exclude<GroupKey, { of: 'spike' }>,
  sizes: readonly number[] | undefined,
): string {
  if (group.of === 'setting') return `(${sql.settingSql(group.path)}) #>> '{}'`;
  switch (group.name) {
    case 'project':
      return 'run.project';
    case 'optimizer':
      return `attempt.optimizer ->> 'name'`;
    case 'beta1':
    case 'beta2':
    case 'epsilon':
      return `attempt.optimizer ->> '${group.name}'`;
    case 'model_size':
      return sizeKey(sql, sizes);
  }
}

/** The lower edge of the group: of the reader's own edges, or a power of ten by the number of digits. */
function sizeKey(sql: SearchSql, sizes: readonly number[] | undefined): string {
  const size = sql.sizeSql();
  if (sizes === undefined) return `'1' || repeat('0', length(${size}::numeric(40, 0)::text) - 1)`;
  const edges = sql.add(sizes, 'float8[]');
  return `(ARRAY[0::float8] || ${edges})[width_bucket(${size}::float8, ${edges}) + 1]::text`;
}
