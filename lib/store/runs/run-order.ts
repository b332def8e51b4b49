/**
 * By what runs are sorted, as SQL. What is not a column of `run` comes from two lateral
 * joins, which are added only where a query needs them: `latest`, the newest step of the
 * effective trajectory, and `recent`, its last loss and its speed.
 */
import { RUN_SORT_KEYS, type RunSort, type RunSortKey } from '../../contract/reads';
import {
  RUN_STATES,
  STALE_AFTER_AT_LEAST_SECONDS,
  STALE_INTERVALS,
} from '../../contract/run-state';
import { STAGES_BY_SEVERITY } from '../../contract/stages';
import { hasEndedSql } from './has-ended';
import { recentStepsSql } from './run-progress';

const latestJoin = (condition: string) => `
  LEFT JOIN LATERAL (
    SELECT segment.attempt, segment.from_step, newest.step, newest.received_at
    FROM (
      SELECT attempt, resume_from_step AS from_step, coalesce((
          SELECT min(later.resume_from_step) FROM attempt AS later
          WHERE later.run = run.run AND later.attempt > attempt.attempt
        ), 9223372036854775807) AS end_step
      FROM attempt WHERE attempt.run = run.run AND ${condition}
    ) AS segment
    CROSS JOIN LATERAL (
      SELECT step, received_at FROM step
      WHERE step.run = run.run AND step.attempt = segment.attempt
        AND step >= segment.from_step AND step < segment.end_step
      ORDER BY step DESC LIMIT 1
    ) AS newest
    ORDER BY newest.step DESC LIMIT 1
  ) AS latest ON true`;

const RECENT_JOIN = `
  LEFT JOIN LATERAL (
    SELECT loss, steps / nullif(seconds, 0) AS speed FROM (${recentStepsSql({
      run: 'run.run',
      attempt: 'latest.attempt',
      fromStep: 'latest.from_step',
      toStep: 'latest.step',
    })}) AS window_of_steps
  ) AS recent ON true`;

/** How a run stands now; `prepareRunStatus` of lib/view says the same from a summary. */
export const STATE_SQL = `CASE
  WHEN status <> 'running' THEN status
  WHEN latest.received_at IS NULL THEN 'waiting'
  WHEN clock_timestamp() - latest.received_at
    > make_interval(secs => greatest(${STALE_AFTER_AT_LEAST_SECONDS}, ${STALE_INTERVALS} / nullif(recent.speed, 0))) THEN 'stale'
  ELSE 'live' END`;

const list = (names: readonly string[]) => `ARRAY['${names.join("', '")}']`;

type SqlType = 'double precision' | 'text';

interface SortColumn {
  readonly sql: string;
  readonly type: SqlType;
}

const number = (sql: string): SortColumn => ({ sql, type: 'double precision' });

const COLUMNS: Readonly<Record<RunSortKey, SortColumn>> = {
  created: number('extract(epoch FROM created_at)'),
  name: { sql: `lower(name) COLLATE "C"`, type: 'text' },
  project: { sql: `lower(project) COLLATE "C"`, type: 'text' },
  state: number(`array_position(${list(RUN_STATES)}, ${STATE_SQL})`),
  // One that is open outweighs any number that are over.
  spikes: number(`(
    SELECT count(*) + 1e6 * count(*) FILTER (WHERE recovery = 'open' AND NOT ${hasEndedSql('spike.attempt')})
    FROM spike WHERE spike.run = run.run AND kind IN ('loss_spike', 'divergence'))`),
  stage: number(`(
    SELECT max(array_position(${list(STAGES_BY_SEVERITY)}, stage)) FROM stage_interval
    WHERE stage_interval.run = run.run AND to_step IS NULL
      AND attempt = (SELECT max(attempt) FROM attempt WHERE attempt.run = run.run))`),
  loss: number('recent.loss'),
  step: number('latest.step'),
  speed: number('recent.speed'),
  heard: number('extract(epoch FROM latest.received_at)'),
};

export interface RunOrder {
  readonly isDescending: boolean;
  /** Never null: what is not known is as far from the first as can be. */
  readonly sql: string;
  readonly type: SqlType;
}

export function orderOf(sort: RunSort): RunOrder {
  const isDescending = sort.startsWith('-');
  const { sql, type } = COLUMNS[keyOf(sort)];
  if (type === 'text') return { isDescending, sql, type };
  const last = isDescending ? '-Infinity' : 'Infinity';
  return { isDescending, sql: `coalesce((${sql})::${type}, '${last}')`, type };
}

function keyOf(sort: RunSort): RunSortKey {
  return RUN_SORT_KEYS.find((key) => sort === key || sort === `-${key}`) ?? 'created';
}

/** The joins that these pieces of SQL speak of; the state alone needs those of running runs. */
export function joinsOf(...pieces: readonly string[]): string {
  const text = pieces.join(' ');
  const needsState = text.includes(STATE_SQL);
  const rest = text.replaceAll(STATE_SQL, '');
  const needsRecent = rest.includes('recent.');
  if (needsRecent || rest.includes('latest.')) {
    return latestJoin('true') + (needsRecent || needsState ? RECENT_JOIN : '');
  }
  return needsState ? latestJoin(`run.status = 'running'`) + RECENT_JOIN : '';
}
