/** What a project has said about how long and how exactly its values are kept. */
import type { ClientBase, Pool } from 'pg';
import {
  KEEP_EVERYTHING,
  type ProjectPolicy,
  type PutProjectPolicy,
} from '../../contract/project-policy';
import type { Database } from '../database';

interface PolicyRow {
  readonly keep_raw_days: number | null;
  readonly keep_distributions_days: number | null;
  readonly keep_samples_days: number | null;
  readonly round_after_days: number | null;
}

const COLUMNS = {
  keepRawDays: 'keep_raw_days',
  keepDistributionsDays: 'keep_distributions_days',
  keepSamplesDays: 'keep_samples_days',
  roundAfterDays: 'round_after_days',
} as const;
const FIELDS = [
  'keepRawDays',
  'keepDistributionsDays',
  'keepSamplesDays',
  'roundAfterDays',
] as const;
const SELECT = FIELDS.map((field) => `project.${COLUMNS[field]}`).join(', ');

function toPolicy(row: PolicyRow): ProjectPolicy {
  return {
    keepRawDays: row.keep_raw_days,
    keepDistributionsDays: row.keep_distributions_days,
    keepSamplesDays: row.keep_samples_days,
    roundAfterDays: row.round_after_days,
  };
}

/** By primary key; null for a project that does not exist. */
export async function findProjectPolicy(
  db: Pick<Database, 'pool'>,
  name: string,
): Promise<ProjectPolicy | null> {
  const { rows } = await db.pool.query<PolicyRow>(`SELECT ${SELECT} FROM project WHERE name = $1`, [
    name,
  ]);
  return rows[0] === undefined ? null : toPolicy(rows[0]);
}

/** The policy of the project that a run belongs to, by the run's key; two look-ups. */
export async function findPolicyOfRun(
  client: ClientBase | Pool,
  runKey: string,
): Promise<ProjectPolicy> {
  const { rows } = await client.query<PolicyRow>({
    name: 'find_policy_of_run',
    text: `SELECT ${SELECT} FROM run JOIN project ON project.name = run.project WHERE run.run = $1`,
    values: [runKey],
  });
  return rows[0] === undefined ? KEEP_EVERYTHING : toPolicy(rows[0]);
}

/** Sets what is named and leaves the rest; returns the whole, or null for a project that does not exist. */
export async function saveProjectPolicy(
  db: Pick<Database, 'pool'>,
  name: string,
  policy: PutProjectPolicy,
): Promise<ProjectPolicy | null> {
  const named = FIELDS.filter((field) => policy[field] !== undefined);
  if (named.length === 0) return findProjectPolicy(db, name);
  const changes = named.map((field, index) => `${COLUMNS[field]} = $${index + 2}`).join(', ');
  const { rows } = await db.pool.query<PolicyRow>(
    `UPDATE project SET ${changes} WHERE name = $1 RETURNING ${SELECT}`,
    [name, ...named.map((field) => policy[field])],
  );
  return rows[0] === undefined ? null : toPolicy(rows[0]);
}
