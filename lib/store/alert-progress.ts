/**
 * What folding rules over a run leaves, in one transaction: incidents that opened, moved or
 * closed, a message to each channel for each that opened, and how far each rule has looked.
 * An incident's key follows from what makes it one, so that what is folded again after a
 * crash is found again and told once.
 */
import type { PoolClient } from 'pg';
import type { Incident } from '../contract/incidents';
import { floatsParameter } from './binary-writer';
import type { Database } from './database';
import { findIncidentsByKey } from './incidents';
import { hashKey } from './run-key';
import { DELETING } from './run-status';

/** An incident as a rule's fold knows it. */
export interface IncidentToSave {
  /** What tells it from the rule's others on this attempt; never changes. */
  readonly opening: string;
  readonly openedStep: number | null;
  readonly title: string;
  /** null where it has none; may be not finite. */
  readonly peakValue: number | null;
  readonly peakStep: number | null;
  /** At most 64 of them. */
  readonly layers: readonly number[];
  readonly layerCount: number;
  readonly spikeId: string | null;
  /** null while it is open. */
  readonly closed: {
    readonly step: number | null;
    readonly by: NonNullable<Incident['closedBy']>;
  } | null;
}

export interface FoldToSave {
  readonly ruleKey: string;
  /** Of the rule that was folded; where it is another by now, nothing of it is written. */
  readonly revision: number;
  readonly attempt: number;
  /** The newest step that was folded; -1 before the first. */
  readonly step: number;
  /** Plain JSON. */
  readonly state: object;
  /** Those that opened or changed since what was saved before. */
  readonly incidents: readonly IncidentToSave[];
}

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

interface RuleRow {
  readonly rule: string;
  readonly revision: number;
  readonly name: string;
  readonly severity: string;
  readonly condition: string;
  readonly channels: string[];
  readonly notify_browsers: boolean;
  readonly muted: boolean;
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

/** The same for the same opening, whenever it is found. */
export function incidentKeyOf(
  { ruleKey, revision, attempt }: Pick<FoldToSave, 'ruleKey' | 'revision' | 'attempt'>,
  runKey: string,
  opening: string,
): string {
  return hashKey(`incident:${ruleKey}:${revision}:${runKey}:${attempt}:${opening}`);
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

interface WrittenIncident {
  readonly key: string;
  readonly isNew: boolean;
  readonly isClosed: boolean;
  readonly notify: boolean;
}

async function writeIncidents(
  client: PoolClient,
  { runKey, project }: { readonly runKey: string; readonly project: string },
  folds: readonly FoldToSave[],
  rules: ReadonlyMap<string, RuleRow>,
  now: Date,
): Promise<WrittenIncident[]> {
  const found = folds.flatMap((fold) => {
    const rule = rules.get(fold.ruleKey);
    if (rule === undefined) return [];
    return fold.incidents.map((incident) => ({
      ...{ fold, rule, incident, key: incidentKeyOf(fold, runKey, incident.opening) },
    }));
  });
  if (found.length === 0) return [];
  const { rows } = await client.query<{ incident: string; is_new: boolean; is_closed: boolean }>({
    name: 'upsert_incidents',
    // One that is closed stays as it is. A row that was not there before has no deleter yet.
    text: `INSERT INTO incident (run, project, opened_at, incident, rule, rule_name, severity, condition, attempt,
        opened_step, title, peak_value, peak_step, layers, layer_count, spike_id, notify_browsers, was_muted,
        closed_step, closed_by, closed_at)
      SELECT $1::uuid, $2, $3::timestamptz, key, rule, rule_name, severity, condition::jsonb, attempt, opened_step,
        title, peak_value, peak_step, layers::int[], layer_count, spike_id, notify_browsers, was_muted, closed_step,
        closed_by, CASE WHEN closed_by IS NULL THEN NULL ELSE $3::timestamptz END
      FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::int[], $10::bigint[], $11::text[],
        $12::float8[], $13::bigint[], $14::text[], $15::int[], $16::text[], $17::boolean[], $18::boolean[],
        $19::bigint[], $20::text[])
        AS found (key, rule, rule_name, severity, condition, attempt, opened_step, title, peak_value, peak_step,
          layers, layer_count, spike_id, notify_browsers, was_muted, closed_step, closed_by)
      ON CONFLICT (run, incident) DO UPDATE SET peak_value = excluded.peak_value, peak_step = excluded.peak_step,
        layers = excluded.layers, layer_count = excluded.layer_count, closed_step = excluded.closed_step,
        closed_by = excluded.closed_by, closed_at = excluded.closed_at
      WHERE incident.closed_at IS NULL
      RETURNING incident::text, xmax = 0 AS is_new, closed_at IS NOT NULL AS is_closed`,
    values: [
      runKey,
      project,
      now,
      found.map(({ key }) => key),
      found.map(({ fold }) => fold.ruleKey),
      found.map(({ rule }) => rule.name),
      found.map(({ rule }) => rule.severity),
      found.map(({ rule }) => rule.condition),
      found.map(({ fold }) => fold.attempt),
      found.map(({ incident }) => incident.openedStep),
      found.map(({ incident }) => incident.title),
      floatsParameter(found.map(({ incident }) => incident.peakValue)),
      found.map(({ incident }) => incident.peakStep),
      // Ragged arrays cannot be unnested as arrays: they travel as text.
      found.map(({ incident }) => `{${incident.layers.join(',')}}`),
      found.map(({ incident }) => incident.layerCount),
      found.map(({ incident }) => incident.spikeId),
      found.map(({ rule }) => rule.notify_browsers),
      found.map(({ rule }) => rule.muted),
      found.map(({ incident }) => incident.closed?.step ?? null),
      found.map(({ incident }) => incident.closed?.by ?? null),
    ],
  });
  const ruleOf = new Map(found.map(({ key, rule }) => [key, rule]));
  const written = rows.map(({ incident, is_new: isNew, is_closed: isClosed }) => {
    const rule = ruleOf.get(incident);
    const isHeard = rule !== undefined && !rule.muted;
    return { key: incident, isNew, isClosed, rule, isHeard };
  });
  const opened = written.filter(({ isNew, isHeard }) => isNew && isHeard);
  await addDeliveries(
    client,
    { runKey, project },
    opened.map(({ key, rule }) => ({ key, channels: rule?.channels ?? [] })),
    now,
  );
  return written.map(({ key, isNew, isClosed, rule, isHeard }) => ({
    ...{ key, isNew, isClosed, notify: isHeard && rule?.notify_browsers === true },
  }));
}

/** A message to each channel that is switched on, due at once. */
async function addDeliveries(
  client: PoolClient,
  { runKey, project }: { readonly runKey: string; readonly project: string },
  opened: readonly { readonly key: string; readonly channels: readonly string[] }[],
  now: Date,
): Promise<void> {
  const messages = opened.flatMap(({ key, channels }) =>
    channels.map((channel) => ({ key, channel, id: deliveryKeyOf(key, channel) })),
  );
  if (messages.length === 0) return;
  await client.query({
    name: 'add_alert_deliveries',
    text: `INSERT INTO alert_delivery (run, project, delivery, incident, channel, next_attempt_at, created_at)
      SELECT $1::uuid, $2, message.delivery, message.incident, message.channel, $3::timestamptz, $3::timestamptz
      FROM unnest($4::uuid[], $5::uuid[], $6::uuid[]) AS message (delivery, incident, channel)
      JOIN alert_channel AS channel
        ON channel.project = $2 AND channel.channel = message.channel AND channel.is_enabled
      ON CONFLICT (run, delivery) DO NOTHING`,
    values: [
      runKey,
      project,
      now,
      messages.map(({ id }) => id),
      messages.map(({ key }) => key),
      messages.map(({ channel }) => channel),
    ],
  });
}

/** One message an incident and channel; a receiver knows a repeat by it. */
export function deliveryKeyOf(incidentKey: string, channelKey: string): string {
  return hashKey(`delivery:${incidentKey}:${channelKey}`);
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

/** A run that rules may look at. */
export interface WatchedRun {
  readonly runKey: string;
  readonly project: string;
}

/** The longest silence that a rule may tell of is seven days. */
const WATCHED_DAYS = 8;

/**
 * Runs that go on in projects with rules that are switched on and that were heard of within
 * eight days, and those with an incident that nobody has closed; the newest first. Of one
 * project, or of all. One probe of the steps' primary key a run.
 */
export async function findWatchedRuns(db: Database, project?: string): Promise<WatchedRun[]> {
  const { rows } = await db.pool.query<{ run: string; project: string }>(
    `SELECT run.run::text, run.project FROM run
     WHERE run.status <> '${DELETING}' AND ($1::text IS NULL OR run.project = $1)
       AND run.project IN (SELECT alert_rule.project FROM alert_rule WHERE is_enabled)
       AND (EXISTS (SELECT 1 FROM incident WHERE incident.run = run.run AND incident.closed_at IS NULL)
         OR (run.status = 'running' AND greatest(run.created_at, (
           SELECT received_at FROM step WHERE step.run = run.run ORDER BY attempt DESC, step DESC LIMIT 1
         )) > now() - make_interval(days => ${WATCHED_DAYS})))
     ORDER BY run.created_at DESC`,
    [project ?? null],
  );
  return rows.map(({ run, project: of }) => ({ runKey: run, project: of }));
}

/** When each attempt of a run opened; one range of the primary key. */
export async function findAttemptTimes(
  db: Database,
  runKey: string,
): Promise<ReadonlyMap<number, Date>> {
  const rows = await db.prisma.attempt.findMany({
    where: { runKey },
    select: { attempt: true, createdAt: true },
  });
  return new Map(rows.map(({ attempt, createdAt }) => [attempt, createdAt]));
}

/**
 * The newest step of an attempt that was received before a moment; null where there is none.
 * The end of a range of the primary key, back to that moment.
 */
export async function findStepBefore(
  db: Database,
  runKey: string,
  attempt: number,
  before: Date,
): Promise<number | null> {
  const { rows } = await db.pool.query<{ step: string }>(
    `SELECT step FROM step WHERE run = $1 AND attempt = $2 AND received_at < $3
     ORDER BY step DESC LIMIT 1`,
    [runKey, attempt, before],
  );
  return rows[0] === undefined ? null : Number(rows[0].step);
}

/** The newest step of an attempt and when it came; null before the first. The end of a range of the primary key. */
export async function findLastHeard(
  db: Database,
  runKey: string,
  attempt: number,
): Promise<{ readonly step: number; readonly receivedAt: Date } | null> {
  const { rows } = await db.pool.query<{ step: string; received_at: Date }>({
    name: 'find_last_heard',
    text: `SELECT step, received_at FROM step WHERE run = $1 AND attempt = $2 ORDER BY step DESC LIMIT 1`,
    values: [runKey, attempt],
  });
  const [row] = rows;
  return row === undefined ? null : { step: Number(row.step), receivedAt: row.received_at };
}
