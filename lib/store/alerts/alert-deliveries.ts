/**
 * Messages of incidents, one row a channel, and what became of each. A row is sent by whoever
 * claims it: the claim moves its next try beyond the time that a try may take, so that no other
 * process sends it meanwhile and one that died is followed by the next. What was claimed is
 * settled by the number of its try, so that a sender that comes back late changes nothing.
 */
import type { AlertDelivery } from '../../contract/alert-channels';
import { AppError } from '../../contract/app-error';
import type { Database } from '../database';
import { isUuid } from '../runs/run-key';
import { DELETING } from '../runs/run-status';

/** One message that is due. */
export interface DueDelivery {
  readonly runKey: string;
  readonly deliveryKey: string;
  readonly project: string;
  readonly channelKey: string;
  /** A message to its channel has failed and waits: this one, or one before. */
  readonly isFailing: boolean;
}

/** A message that this process alone may send for a while. */
export interface ClaimedDelivery extends Omit<DueDelivery, 'isFailing'> {
  readonly incidentKey: string;
  readonly createdAt: Date;
  /** Which try this is, from 1. */
  readonly attempt: number;
}

interface DeliveryRow {
  readonly delivery: string;
  readonly incident: string;
  readonly title: string;
  readonly run_id: string;
  readonly channel: string;
  readonly channel_name: string | null;
  readonly status: AlertDelivery['status'];
  readonly attempts: number;
  readonly next_attempt_at: Date;
  readonly last_error: string | null;
  readonly created_at: Date;
  readonly delivered_at: Date | null;
  readonly total: number;
}

const FROM = `FROM alert_delivery d
  JOIN run r ON r.run = d.run AND r.status <> '${DELETING}'
  JOIN incident i ON i.run = d.run AND i.incident = d.incident
  LEFT JOIN alert_channel c ON c.project = d.project AND c.channel = d.channel`;
const COLUMNS = `d.delivery::text, d.incident::text, i.title, r.id AS run_id, d.channel::text,
  c.name AS channel_name, d.status, d.attempts, d.next_attempt_at, d.last_error, d.created_at,
  d.delivered_at`;

function toDelivery(row: DeliveryRow): AlertDelivery {
  return {
    id: row.delivery,
    incidentId: row.incident,
    incidentTitle: row.title,
    runId: row.run_id,
    channelId: row.channel,
    channelName: row.channel_name ?? 'a channel that was removed',
    status: row.status,
    attempts: row.attempts,
    nextAttemptAt: row.status === 'pending' ? row.next_attempt_at.toISOString() : null,
    lastError: row.last_error,
    createdAt: row.created_at.toISOString(),
    deliveredAt: row.delivered_at?.toISOString() ?? null,
  };
}

export interface DeliveriesFilter {
  readonly status?: AlertDelivery['status'] | undefined;
  readonly incidentId?: string | undefined;
  readonly limit: number;
}

/** Messages of a project, the newest first, and how many match; by (project, created_at). */
export async function findDeliveries(
  db: Database,
  project: string,
  { status, incidentId, limit }: DeliveriesFilter,
): Promise<{ readonly items: AlertDelivery[]; readonly total: number }> {
  if (incidentId !== undefined && !isUuid(incidentId)) return { items: [], total: 0 };
  const { rows } = await db.pool.query<DeliveryRow>(
    `SELECT ${COLUMNS}, (count(*) OVER ())::int AS total ${FROM}
     WHERE d.project = $1 AND ($2::text IS NULL OR d.status = $2)
       AND ($3::uuid IS NULL OR d.incident = $3)
     ORDER BY d.created_at DESC, d.delivery LIMIT $4`,
    [project, status ?? null, incidentId ?? null, limit],
  );
  return { items: rows.map(toDelivery), total: rows[0]?.total ?? 0 };
}

export interface DueQuery {
  readonly now: Date;
  readonly busyChannels: readonly string[];
  readonly limit: number;
  /** Of those, to channels that fail. */
  readonly failingLimit: number;
}

/**
 * The oldest due message of each channel but the busy ones; those to channels that fail come last.
 * By (status, next_attempt_at): it reads what waits, not what was sent.
 */
export async function findDueDeliveries(
  db: Pick<Database, 'pool'>,
  { now, busyChannels, limit, failingLimit }: DueQuery,
): Promise<DueDelivery[]> {
  const { rows } = await db.pool.query<DueDelivery>({
    name: 'find_due_deliveries',
    text: `WITH due AS (
        SELECT DISTINCT ON (d.channel) d.run, d.delivery, d.project, d.channel, d.next_attempt_at
        FROM alert_delivery d
        JOIN run r ON r.run = d.run AND r.status <> '${DELETING}'
        WHERE d.status = 'pending' AND d.next_attempt_at <= $1 AND d.channel <> ALL ($2::uuid[])
        ORDER BY d.channel, d.created_at, d.delivery
      ), judged AS (
        SELECT due.*, due.channel IN (
          SELECT channel FROM alert_delivery WHERE status = 'pending' AND attempts > 0
        ) AS is_failing FROM due
      ), placed AS (
        SELECT *, row_number() OVER (
          PARTITION BY is_failing ORDER BY next_attempt_at, delivery
        ) AS place FROM judged
      )
      SELECT run::text AS "runKey", delivery::text AS "deliveryKey", project,
        channel::text AS "channelKey", is_failing AS "isFailing"
      FROM placed WHERE NOT is_failing OR place <= $4
      ORDER BY is_failing, place LIMIT $3`,
    values: [now, busyChannels, limit, failingLimit],
  });
  return rows;
}

/** When the next message is due that is not yet; null when none waits. */
export async function findNextAttempt(db: Pick<Database, 'pool'>, now: Date): Promise<Date | null> {
  const { rows } = await db.pool.query<{ next: Date | null }>({
    name: 'find_next_attempt',
    text: `SELECT min(next_attempt_at) AS next FROM alert_delivery
      WHERE status = 'pending' AND next_attempt_at > $1`,
    values: [now],
  });
  return rows[0]?.next ?? null;
}

/** Takes a due message for one try; null when another process was faster, or it is gone. */
export async function claimDelivery(
  db: Pick<Database, 'pool'>,
  { runKey, deliveryKey }: Pick<DueDelivery, 'runKey' | 'deliveryKey'>,
  { now, leaseMs }: { readonly now: Date; readonly leaseMs: number },
): Promise<ClaimedDelivery | null> {
  const { rows } = await db.pool.query<ClaimedDelivery>({
    name: 'claim_delivery',
    // Of two at once the second waits for the first's row, reads it anew and finds it not due.
    text: `UPDATE alert_delivery SET attempts = attempts + 1, next_attempt_at = $4
      WHERE run = $1 AND delivery = $2 AND status = 'pending' AND next_attempt_at <= $3
      RETURNING run::text AS "runKey", delivery::text AS "deliveryKey", project,
        channel::text AS "channelKey", incident::text AS "incidentKey",
        created_at AS "createdAt", attempts AS attempt`,
    values: [runKey, deliveryKey, now, new Date(now.getTime() + leaseMs)],
  });
  return rows[0] ?? null;
}

/** What became of one try. */
export type DeliveryOutcome =
  /** `note` where it arrived, but not everywhere. */
  | { readonly kind: 'delivered'; readonly at: Date; readonly note: string | null }
  | { readonly kind: 'failed'; readonly error: string; readonly nextAttemptAt: Date }
  | { readonly kind: 'dead'; readonly error: string }
  /** It was not tried: the process ends. */
  | { readonly kind: 'released'; readonly now: Date };

/** false where the message is no longer this try's. */
export async function settleDelivery(
  db: Pick<Database, 'pool'>,
  { runKey, deliveryKey, attempt }: ClaimedDelivery,
  outcome: DeliveryOutcome,
): Promise<boolean> {
  const { set, values } = toChange(outcome);
  const { rowCount } = await db.pool.query(
    `UPDATE alert_delivery SET ${set}
     WHERE run = $1 AND delivery = $2 AND attempts = $3 AND status = 'pending'`,
    [runKey, deliveryKey, attempt, ...values],
  );
  return rowCount === 1;
}

/** Receivers may answer with anything. */
const MAX_ERROR_LENGTH = 500;

function toChange(outcome: DeliveryOutcome): {
  readonly set: string;
  readonly values: readonly (string | Date | null)[];
} {
  switch (outcome.kind) {
    case 'delivered':
      return {
        set: `status = 'delivered', delivered_at = $4, last_error = $5`,
        values: [outcome.at, shorten(outcome.note)],
      };
    case 'failed':
      return {
        set: 'next_attempt_at = $4, last_error = $5',
        values: [outcome.nextAttemptAt, shorten(outcome.error)],
      };
    case 'dead':
      return { set: `status = 'dead', last_error = $4`, values: [shorten(outcome.error)] };
    case 'released':
      return { set: 'attempts = attempts - 1, next_attempt_at = $4', values: [outcome.now] };
  }
}

function shorten(text: string | null): string | null {
  // Postgres takes no zero bytes in a text.
  const clean = text?.replaceAll('\u0000', '') ?? null;
  if (clean === null || clean.length <= MAX_ERROR_LENGTH) return clean;
  return `${clean.slice(0, MAX_ERROR_LENGTH - 1)}…`;
}

/**
 * Has a message sent again now, with all its tries before it, whatever became of it: one that was
 * delivered as well, since a receiver may have lost it. One that waits is tried now.
 *
 * Throws  AppError `delivery_not_found`, `channel_not_found`
 */
export async function retryDelivery(
  db: Database,
  project: string,
  id: string,
  now: Date,
): Promise<AlertDelivery> {
  const known = await requireDelivery(db, project, id);
  if (known.channel_name === null) {
    throw new AppError('channel_not_found', 'the channel of this message was removed');
  }
  await db.pool.query(
    `UPDATE alert_delivery SET status = 'pending', next_attempt_at = $3, delivered_at = NULL,
       attempts = CASE status WHEN 'pending' THEN attempts ELSE 0 END
     WHERE project = $1 AND delivery = $2`,
    [project, id, now],
  );
  return toDelivery(await requireDelivery(db, project, id));
}

async function requireDelivery(db: Database, project: string, id: string): Promise<DeliveryRow> {
  const { rows } = isUuid(id)
    ? await db.pool.query<DeliveryRow>(
        `SELECT ${COLUMNS}, 1 AS total ${FROM} WHERE d.project = $1 AND d.delivery = $2`,
        [project, id],
      )
    : { rows: [] };
  if (rows[0] !== undefined) return rows[0];
  throw new AppError('delivery_not_found', `project ${project} has no delivery ${id}`);
}
