/** Where messages go. A secret is read by whoever signs with it and leaves this file for nobody else. */
import { randomUUID } from 'node:crypto';
import {
  type AlertChannel,
  type ChannelTarget,
  type PatchChannel,
  channelTargetSchema,
} from '../../contract/alert-channels';
import { AppError } from '../../contract/app-error';
import type { Database } from '../database';
import { isUuid } from '../runs/run-key';

/** What sending takes. */
export interface SendingChannel {
  readonly project: string;
  readonly channelKey: string;
  readonly name: string;
  readonly target: ChannelTarget;
  readonly secret: string | null;
  readonly isEnabled: boolean;
}

export interface NewChannel {
  readonly name: string;
  readonly target: ChannelTarget;
  readonly secret: string | null;
}

interface ChannelRow {
  readonly project: string;
  readonly channel: string;
  readonly name: string;
  readonly target: unknown;
  readonly is_enabled: boolean;
  readonly created_at: Date;
  readonly last_delivered_at: Date | null;
  readonly last_error: string | null;
  readonly dead_count: number;
}

/** With what became of its messages: one scan of those of the project. */
const SELECT = `SELECT c.project, c.channel::text, c.name, c.target, c.is_enabled, c.created_at,
    sent.last_delivered_at, coalesce(sent.dead_count, 0) AS dead_count,
    (SELECT d.last_error FROM alert_delivery d
      WHERE d.project = c.project AND d.channel = c.channel AND d.attempts > 0
      ORDER BY d.created_at DESC, d.delivery LIMIT 1) AS last_error
  FROM alert_channel c
  LEFT JOIN (
    SELECT channel, max(delivered_at) AS last_delivered_at,
      (count(*) FILTER (WHERE status = 'dead'))::int AS dead_count
    FROM alert_delivery WHERE project = $1 GROUP BY channel
  ) AS sent ON sent.channel = c.channel
  WHERE c.project = $1`;

function toChannel(row: ChannelRow): AlertChannel {
  const target = channelTargetSchema.parse(row.target);
  return {
    id: row.channel,
    project: row.project,
    name: row.name,
    kind: target.kind,
    target: showTarget(target),
    isEnabled: row.is_enabled,
    createdAt: row.created_at.toISOString(),
    lastDeliveredAt: row.last_delivered_at?.toISOString() ?? null,
    lastError: row.last_error,
    deadCount: row.dead_count,
  };
}

/** The longest segment of a path that is a word and no token: receivers put keys into their paths. */
const MAX_SHOWN_SEGMENT = 20;

/** As a list shows it: no query, no password, no part that may be a key. */
function showTarget(target: ChannelTarget): string {
  switch (target.kind) {
    case 'email':
      return target.to.join(', ');
    case 'slack':
      return new URL(target.url).host;
    case 'webhook': {
      const { protocol, host, pathname } = new URL(target.url);
      const path = pathname
        .split('/')
        .map((segment) => (segment.length > MAX_SHOWN_SEGMENT ? '…' : segment))
        .join('/');
      return `${protocol}//${host}${path === '/' ? '' : path}`;
    }
  }
}

/** The channels of a project by name. */
export async function findChannels(db: Database, project: string): Promise<AlertChannel[]> {
  const { rows } = await db.pool.query<ChannelRow>(`${SELECT} ORDER BY c.name, c.channel`, [
    project,
  ]);
  return rows.map(toChannel);
}

/** By primary key. Throws AppError `channel_not_found`. */
export async function requireChannel(
  db: Database,
  project: string,
  id: string,
): Promise<AlertChannel> {
  if (!isUuid(id)) throw channelNotFound(project, id);
  const { rows } = await db.pool.query<ChannelRow>(`${SELECT} AND c.channel = $2`, [project, id]);
  if (rows[0] === undefined) throw channelNotFound(project, id);
  return toChannel(rows[0]);
}

/** All that sending takes; null for a channel that is gone. */
export async function findSendingChannel(
  db: Database,
  project: string,
  id: string,
): Promise<SendingChannel | null> {
  if (!isUuid(id)) return null;
  const row = await db.prisma.alertChannel.findUnique({
    where: { project_channelKey: { project, channelKey: id } },
  });
  if (row === null) return null;
  const { channelKey, name, secret, isEnabled } = row;
  const target = channelTargetSchema.parse(row.target);
  return { ...{ project, channelKey, name, secret, isEnabled }, target };
}

/** Throws AppError `project_not_found`. */
export async function saveChannel(
  db: Database,
  project: string,
  { name, target, secret }: NewChannel,
  now: Date,
): Promise<AlertChannel> {
  const channelKey = randomUUID();
  const { rowCount } = await db.pool.query(
    `INSERT INTO alert_channel (project, channel, name, kind, target, secret, created_at)
     SELECT name, $2, $3, $4, $5, $6, $7 FROM project WHERE name = $1`,
    [project, channelKey, name, target.kind, JSON.stringify(target), secret, now],
  );
  if (rowCount === 0) {
    throw new AppError('project_not_found', `there is no project ${project}`);
  }
  return requireChannel(db, project, channelKey);
}

/**
 * What is not named stays. Messages that wait for their next try are due at once where the target
 * or the secret changed: whoever sets a channel right wants them now.
 *
 * Throws  AppError `channel_not_found`
 */
export async function changeChannel(
  db: Database,
  project: string,
  id: string,
  { name, target, secret, isEnabled }: PatchChannel,
  now: Date,
): Promise<AlertChannel> {
  if (!isUuid(id)) throw channelNotFound(project, id);
  await db.prisma.alertChannel.updateMany({
    where: { project, channelKey: id },
    data: {
      ...(name === undefined ? {} : { name }),
      ...(target === undefined ? {} : { target }),
      ...(secret === undefined ? {} : { secret }),
      ...(isEnabled === undefined ? {} : { isEnabled }),
    },
  });
  if (target !== undefined || secret !== undefined) {
    await db.prisma.alertDelivery.updateMany({
      where: { project, channelKey: id, status: 'pending' },
      data: { nextAttemptAt: now },
    });
  }
  return requireChannel(db, project, id);
}

/** Takes it out of the rules that name it as well. Throws AppError `channel_not_found`. */
export async function removeChannel(db: Database, project: string, id: string): Promise<void> {
  if (!isUuid(id)) throw channelNotFound(project, id);
  const { rows } = await db.pool.query<{ removed: number }>(
    `WITH gone AS (
       DELETE FROM alert_channel WHERE project = $1 AND channel = $2 RETURNING channel
     ), changed AS (
       UPDATE alert_rule SET channels = array_remove(channels, $2)
       WHERE project = $1 AND $2 = ANY (channels)
     )
     SELECT count(*)::int AS removed FROM gone`,
    [project, id],
  );
  if (rows[0]?.removed !== 1) throw channelNotFound(project, id);
}

function channelNotFound(project: string, id: string): AppError {
  return new AppError('channel_not_found', `project ${project} has no channel ${id}`);
}
