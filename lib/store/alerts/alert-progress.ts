/**
 * What folding rules over a run leaves, in one transaction: incidents that opened, moved or
 * closed, a message to each channel for each that opened (`write-incidents.ts`), and how far
 * each rule has looked.
 */
import type { PoolClient } from 'pg';
import type { Incident } from '../../contract/incidents';
import type { Database } from '../database';
import { findIncidentsByKey } from './incidents';
import { DELETING } from '../runs/run-status';
import {
  type FoldToSave,
  type RuleRow,
  writeIncidents,
  type WrittenIncident,
} from './write-incidents';

export interface SavedProgress {
  readonly ruleKey: string;
  readonly attempt: number;
  readonly revision: number;
  readonly step: number;
  readonly state: unknown;
}

export interface IncidentChange {
  readonly change: 'opened' | 'closed';
  /** Whether open pages may show a notification. */
  readonly notify: boolean;
  readonly incident: Incident;
}

export interface SavedFolds {
  /** The run was deleted; nothing was written. */
  readonly isGone: boolean;
  /** Rules that are another revision by now, or switched off, or deleted. */
  readonly staleRules: readonly string[];
  readonly changes: readonly IncidentChange[];
}

/** How far rules have looked at a run, of all of its attempts; one range of the primary key. */
export async function findAlertProgress(db: Database, runKey: string): Promise<SavedProgress[]> {
  const { rows } = await db.pool.query<{
    rule: string;
    attempt: number;
    revision: number;
    step: string;
    state: unknown;
  }>(
    `SELECT rule::text, attempt, revision, step, state FROM alert_progress WHERE run = $1
     ORDER BY attempt, rule`,
    [runKey],
  );
  return rows.map(({ rule, attempt, revision, step, state }) => ({
    ...{ ruleKey: rule, attempt, revision, step: Number(step), state },
  }));
}

/**
 * At most one fold a rule and attempt. `now` is when what opened or closed did. Throws what
 * the database throws; then nothing was written.
 */
export async function saveFolds(
  db: Database,
  run: { readonly runKey: string; readonly project: string },
  folds: readonly FoldToSave[],
  now: Date,
): Promise<SavedFolds> {
  const written = await commitFolds(db, run, folds, now);
  if (written === null) return { isGone: true, staleRules: [], changes: [] };
  const { staleRules, incidents } = written;
  return { isGone: false, staleRules, changes: await readChanges(db, run.runKey, incidents) };
}

/** null for a run that is gone. */
async function commitFolds(
  db: Database,
  run: { readonly runKey: string; readonly project: string },
  folds: readonly FoldToSave[],
  now: Date,
): Promise<{ staleRules: string[]; incidents: readonly WrittenIncident[] } | null> {
  const client = await db.pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('BEGIN');
    const known = await client.query(
      `SELECT 1 FROM run WHERE run = $1 AND status <> '${DELETING}' FOR KEY SHARE`,
      [run.runKey],
    );
    if (known.rows.length === 0) {
      await client.query('ROLLBACK');
      return null;
    }
    const rules = await lockRules(client, run.project, folds, now);
    const isCurrent = ({ ruleKey, revision }: FoldToSave): boolean =>
      rules.get(ruleKey)?.revision === revision;
    const current = folds.filter(isCurrent);
    const incidents = await writeIncidents(client, run, current, rules, now);
    await writeProgress(client, run.runKey, current);
    await client.query('COMMIT');
    const stale = folds.filter((fold) => !isCurrent(fold));
    return { staleRules: stale.map(({ ruleKey }) => ruleKey), incidents };
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    // Closing the connection of a failed transaction ends it, whatever state it is in.
    client.release(failure);
  }
}

/** Whoever changes one of them meanwhile waits, and closes what is opened here. */
async function lockRules(
  client: PoolClient,
  project: string,
  folds: readonly FoldToSave[],
  now: Date,
): Promise<ReadonlyMap<string, RuleRow>> {
  const keys = [...new Set(folds.map(({ ruleKey }) => ruleKey))];
  const { rows } = await client.query<RuleRow>({
    name: 'lock_alert_rules',
    text: `SELECT rule::text, revision, name, severity, condition::text, channels::text[], notify_browsers,
        coalesce(muted_until > $3, false) AS muted
      FROM alert_rule WHERE project = $1 AND rule = ANY($2::uuid[]) AND is_enabled
      ORDER BY rule FOR SHARE`,
    values: [project, keys, now],
  });
  return new Map(rows.map((row) => [row.rule, row]));
}

async function writeProgress(
  client: PoolClient,
  runKey: string,
  folds: readonly FoldToSave[],
): Promise<void> {
  if (folds.length === 0) return;
  await client.query({
    name: 'save_alert_progress',
    text: `INSERT INTO alert_progress (run, rule, attempt, revision, step, state)
      SELECT $1::uuid, rule, attempt, revision, step, state::jsonb
      FROM unnest($2::uuid[], $3::int[], $4::int[], $5::bigint[], $6::text[])
        AS fold (rule, attempt, revision, step, state)
      ON CONFLICT (run, rule, attempt) DO UPDATE SET revision = excluded.revision, step = excluded.step,
        state = excluded.state`,
    values: [
      runKey,
      folds.map(({ ruleKey }) => ruleKey),
      folds.map(({ attempt }) => attempt),
      folds.map(({ revision }) => revision),
      folds.map(({ step }) => step),
      folds.map(({ state }) => JSON.stringify(state)),
    ],
  });
}

async function readChanges(
  db: Database,
  runKey: string,
  written: readonly WrittenIncident[],
): Promise<IncidentChange[]> {
  const told = written.filter(({ isNew, isClosed }) => isNew || isClosed);
  const incidents = await findIncidentsByKey(
    db,
    told.map(({ key }) => ({ runKey, incidentKey: key })),
  );
  return incidents.flatMap((incident) => {
    const of = told.find(({ key }) => key === incident.id);
    if (of === undefined) return [];
    const changes: IncidentChange[] = [];
    if (of.isNew) changes.push({ change: 'opened', notify: of.notify, incident });
    if (of.isClosed) changes.push({ change: 'closed', notify: false, incident });
    return changes;
  });
}
