/** What rules found, as it is listed and acknowledged; `write-incidents.ts` writes it. */
import { z } from 'zod';
import { AppError } from '../../contract/app-error';
import { alertConditionSchema, alertSeveritySchema } from '../../contract/alert-rules';
import {
  type Incident,
  incidentSchema,
  type IncidentsQuery,
  type IncidentsReply,
} from '../../contract/incidents';
import type { Database } from '../database';
import type { PreparedQuery } from '../postgres/prepared-read';
import { isUuid, runKeyOf } from '../runs/run-key';
import { Conditions } from '../runs/run-filter';
import { DELETING } from '../runs/run-status';

interface IncidentRow {
  readonly incident: string;
  readonly project: string;
  readonly rule: string;
  readonly rule_name: string;
  readonly severity: string;
  readonly condition: unknown;
  readonly run_id: string;
  readonly run_name: string;
  readonly attempt: number;
  readonly opened_step: string | null;
  readonly closed_step: string | null;
  readonly opened_at: Date;
  readonly closed_at: Date | null;
  readonly closed_by: string | null;
  readonly title: string;
  readonly peak_value: number | null;
  readonly peak_step: string | null;
  readonly layers: number[] | null;
  readonly layer_count: number;
  readonly spike_id: string | null;
  readonly acknowledged_at: Date | null;
  readonly acknowledged_by: string | null;
  readonly was_muted: boolean;
}

const COLUMNS = `incident.incident::text, incident.project, incident.rule::text, rule_name, severity, condition,
  run.id AS run_id, run.name AS run_name, attempt, opened_step, closed_step, opened_at, closed_at, closed_by, title,
  peak_value, peak_step, layers, incident.layer_count, spike_id, acknowledged_at, acknowledged_by, was_muted`;
const FROM = `incident JOIN run ON run.run = incident.run AND run.status <> '${DELETING}'`;

function toIncident(row: IncidentRow): Incident {
  const step = (text: string | null): number | null => (text === null ? null : Number(text));
  const time = (date: Date | null): string | null => date?.toISOString() ?? null;
  const { peak_value: peakValue } = row;
  return {
    ...{ id: row.incident, project: row.project, ruleId: row.rule, ruleName: row.rule_name },
    severity: alertSeveritySchema.parse(row.severity),
    condition: alertConditionSchema.parse(row.condition),
    ...{ runId: row.run_id, runName: row.run_name, attempt: row.attempt },
    ...{ openedStep: step(row.opened_step), closedStep: step(row.closed_step) },
    ...{ openedAt: row.opened_at.toISOString(), closedAt: time(row.closed_at) },
    closedBy: incidentSchema.shape.closedBy.parse(row.closed_by),
    title: row.title,
    peakValue: peakValue !== null && Number.isFinite(peakValue) ? peakValue : null,
    ...{ peakStep: step(row.peak_step), layers: row.layers ?? [], layerCount: row.layer_count },
    ...{ spikeId: row.spike_id, acknowledgedAt: time(row.acknowledged_at) },
    ...{ acknowledgedBy: row.acknowledged_by, wasMuted: row.was_muted },
  };
}

/** Where a page ends: when its last incident opened, to the microsecond that is kept, and its key. */
const cursorSchema = z.tuple([z.iso.datetime(), z.guid()]);

function parseCursor(text: string): readonly [string, string] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return cursorSchema.parse(value);
  } catch (cause) {
    const message = 'expected the nextCursor of an earlier reply';
    throw new AppError('invalid_query', `cursor: ${message}`, {
      details: [{ path: 'cursor', message }],
      cause,
    });
  }
}

function encodeCursor({ openedAt, id }: Incident): string {
  return Buffer.from(JSON.stringify([openedAt, id])).toString('base64url');
}

/**
 * A page of incidents, the newest first, with how many match. Ranges of the index by project
 * and time, or by time alone; the counts read every match.
 *
 * Throws  AppError `invalid_query` for an unreadable cursor
 */
export async function findIncidents(db: Database, query: IncidentsQuery): Promise<IncidentsReply> {
  const { project, runId, ruleId, state, acknowledged, cursor, limit } = query;
  const where = new Conditions();
  where.add(() => 'true');
  if (project !== undefined) where.add((value = '') => `incident.project = ${value}`, project);
  if (runId !== undefined)
    where.add((value = '') => `incident.run = ${value}::uuid`, runKeyOf(runId));
  // No rule has an id that is no key.
  if (ruleId !== undefined && !isUuid(ruleId)) return { items: [], total: 0, openCount: 0 };
  if (ruleId !== undefined) where.add((value = '') => `incident.rule = ${value}::uuid`, ruleId);
  if (state !== 'all') where.add(() => `closed_at IS ${state === 'open' ? '' : 'NOT '}NULL`);
  if (acknowledged !== undefined) {
    where.add(() => `acknowledged_at IS ${acknowledged ? 'NOT ' : ''}NULL`);
  }
  const countSql = `SELECT count(*)::int AS total,
      (count(*) FILTER (WHERE closed_at IS NULL AND acknowledged_at IS NULL))::int AS open
    FROM ${FROM} WHERE ${where.sql}`;
  const countParameters = [...where.parameters];
  if (cursor !== undefined) {
    where.add(
      (openedAt = '', key = '') =>
        `(opened_at, incident.incident) < (${openedAt}::timestamptz, ${key}::uuid)`,
      ...parseCursor(cursor),
    );
  }
  const pageSql = `SELECT ${COLUMNS} FROM ${FROM} WHERE ${where.sql}
    ORDER BY opened_at DESC, incident.incident DESC LIMIT ${limit + 1}`;
  const [counts, page] = await Promise.all([
    db.pool.query<{ total: number; open: number }>(countSql, countParameters),
    db.pool.query<IncidentRow>(pageSql, where.parameters),
  ]);
  const items = page.rows.slice(0, limit).map(toIncident);
  const last = items.at(-1);
  const [{ total, open } = { total: 0, open: 0 }] = counts.rows;
  return {
    items,
    total,
    openCount: open,
    ...(page.rows.length > limit && last !== undefined ? { nextCursor: encodeCursor(last) } : {}),
  };
}

/** Throws AppError `incident_not_found`. One range of the index by project and time. */
export async function findIncident(db: Database, project: string, id: string): Promise<Incident> {
  const { rows } = isUuid(id)
    ? await db.pool.query<IncidentRow>(
        `SELECT ${COLUMNS} FROM ${FROM} WHERE incident.project = $1 AND incident.incident = $2`,
        [project, id],
      )
    : { rows: [] };
  const [row] = rows;
  if (row === undefined) throw incidentNotFound(id);
  return toIncident(row);
}

/** What finds the open incidents of a run that tell of spikes, the newest first; a range of the primary key. */
export function spikeIncidentsQuery(
  runKey: string,
  limit: number,
): {
  readonly query: PreparedQuery;
  readonly incidents: readonly { readonly id: string; readonly spikeId: string }[];
} {
  const incidents: { id: string; spikeId: string }[] = [];
  return {
    query: {
      sql: `SELECT incident::text, spike_id FROM incident
        WHERE run = $1::uuid AND closed_at IS NULL AND spike_id IS NOT NULL
        ORDER BY opened_at DESC, incident DESC LIMIT $2::int`,
      values: [runKey, `${limit}`],
      onRow: (row) => incidents.push({ id: row.text(0), spikeId: row.text(1) }),
    },
    incidents,
  };
}

/** By primary key, the oldest first. */
export async function findIncidentsByKey(
  db: Pick<Database, 'pool'>,
  keys: readonly { readonly runKey: string; readonly incidentKey: string }[],
): Promise<Incident[]> {
  if (keys.length === 0) return [];
  const { rows } = await db.pool.query<IncidentRow>(
    `SELECT ${COLUMNS} FROM unnest($1::uuid[], $2::uuid[]) AS wanted (run, incident)
     JOIN ${FROM} ON incident.run = wanted.run AND incident.incident = wanted.incident
     ORDER BY opened_at, incident.incident`,
    [keys.map(({ runKey }) => runKey), keys.map(({ incidentKey }) => incidentKey)],
  );
  return rows.map(toIncident);
}

/**
 * Somebody has taken note. Again, or by another, changes nothing: the first stands.
 *
 * Throws  AppError `incident_not_found`
 */
export async function acknowledgeIncident(
  db: Database,
  { project, id, by, now }: { project: string; id: string; by: string; now: Date },
): Promise<{ readonly incident: Incident; readonly isNew: boolean }> {
  if (!isUuid(id)) throw incidentNotFound(id);
  const { rowCount } = await db.pool.query(
    `UPDATE incident SET acknowledged_at = $3, acknowledged_by = $4
     WHERE project = $1 AND incident = $2::uuid AND acknowledged_at IS NULL`,
    [project, id, now, by],
  );
  return { incident: await findIncident(db, project, id), isNew: (rowCount ?? 0) > 0 };
}

function incidentNotFound(id: string): AppError {
  return new AppError('incident_not_found', `the project has no incident ${id}`);
}
