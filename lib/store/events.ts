/** What a job or a person noted at a step. An event posted twice is one event. */
import { eventKindSchema, type CreateEvent, type RunEvent } from '../contract/runs';
import type { Database } from './database';
import type { CopyRow } from './postgres/copy-binary';
import { Parameters } from './postgres/parameters';
import type { PreparedQuery } from './postgres/prepared-read';
import type { RowReader } from './postgres/snapshot';
import { hashKey } from './runs/run-key';
import type { Segment } from './runs/trajectory';

export interface EventToSave extends CreateEvent {
  readonly attempt: number;
}

interface EventRow {
  readonly id: string;
  readonly step: bigint | number;
  readonly attempt: number;
  readonly kind: string;
  readonly title: string;
  readonly detail: string | null;
  readonly createdAt: Date;
}

/** What makes an event one: its id, or where it has none, attempt, step, kind and title. */
function eventKeyOf({ id, attempt, step, kind, title }: EventToSave): string {
  return id === undefined
    ? hashKey(`content:${JSON.stringify([attempt, step, kind, title])}`)
    : hashKey(`id:${id}`);
}

function toRunEvent(row: EventRow): RunEvent {
  return {
    id: row.id,
    step: Number(row.step),
    attempt: row.attempt,
    kind: eventKindSchema.parse(row.kind),
    title: row.title,
    detail: row.detail,
    createdAt: row.createdAt.toISOString(),
  };
}

/** Saves an event, or finds the one that was saved before; what was saved first stands. */
export async function saveEvent(
  db: Database,
  { runKey }: { readonly runKey: string },
  event: EventToSave,
  now: Date,
): Promise<{ readonly event: RunEvent; readonly isNew: boolean }> {
  const eventKey = eventKeyOf(event);
  const { attempt, kind, title, detail } = event;
  const { count } = await db.prisma.event.createMany({
    data: [
      {
        runKey,
        eventKey,
        id: event.id ?? eventKey,
        attempt,
        step: BigInt(event.step),
        kind,
        title,
        detail: detail ?? null,
        createdAt: now,
      },
    ],
    skipDuplicates: true,
  });
  const row = await db.prisma.event.findUniqueOrThrow({
    where: { runKey_eventKey: { runKey, eventKey } },
  });
  return { event: toRunEvent(row), isNew: count === 1 };
}

export interface EventSelection {
  readonly segments: readonly Segment[];
  /** The last event of the page before; null for the first page. */
  readonly after: { readonly step: number; readonly eventKey: string } | null;
  readonly limit: number;
}

export interface FoundEvent {
  readonly event: RunEvent;
  readonly eventKey: string;
}

/** What finds events, for a caller who sends more queries with it; one range of an index. */
export function eventsQuery(
  runKey: string,
  { segments, after, limit }: EventSelection,
): { readonly query: PreparedQuery; readonly events: FoundEvent[] } {
  const events: FoundEvent[] = [];
  const p = new Parameters();
  const relation = p.segments(segments);
  const rest =
    after === null
      ? ''
      : `AND (step, event) > (${p.integer('bigint', after.step)}, ${p.uuid(after.eventKey)})`;
  const sql = `SELECT event::text, id, event.attempt, step, kind, title, detail,
      (extract(epoch FROM created_at) * 1000)::float8
    FROM ${relation}
    JOIN event ON event.attempt = segment.attempt
      AND event.step BETWEEN segment.from_step AND segment.to_step
    WHERE run = ${p.uuid(runKey)} ${rest}
    ORDER BY step, event LIMIT ${p.integer('int', limit)}`;
  const onRow = (row: CopyRow): void => {
    const event = toRunEvent({
      ...{ id: row.text(1), attempt: row.int4(2), step: row.int8(3), kind: row.text(4) },
      ...{ title: row.text(5), detail: row.isNull(6) ? null : row.text(6) },
      createdAt: new Date(row.float8(7) ?? NaN),
    });
    events.push({ event, eventKey: row.text(0) });
  };
  return { query: { sql, values: p.values, onRow }, events };
}

/** By step, then key; one range of an index. No attempt may have two segments. */
export async function findEvents(
  reader: RowReader,
  runKey: string,
  selection: EventSelection,
): Promise<FoundEvent[]> {
  const { query, events } = eventsQuery(runKey, selection);
  await reader.readAll([query]);
  return events;
}
