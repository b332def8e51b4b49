/** What a job or a person noted at a step. An event posted twice is one event. */
import { eventKindSchema, type CreateEvent, type RunEvent } from '../contract/runs';
import type { Database } from './database';
import { hashKey } from './runs/run-key';
import type { Segment } from './runs/trajectory';

export interface EventToSave extends CreateEvent {
  readonly attempt: number;
}

interface EventRow {
  readonly id: string;
  readonly step: bigint;
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

export function toRunEvent(row: EventRow): RunEvent {
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

/** By step, then key; one range of an index. */
export async function findEvents(
  db: Database,
  runKey: string,
  { segments, after, limit }: EventSelection,
): Promise<{ readonly event: RunEvent; readonly eventKey: string }[]> {
  if (segments.length === 0) return [];
  const rows = await db.prisma.event.findMany({
    where: {
      runKey,
      AND: [
        {
          OR: segments.map(({ attempt, fromStep, toStep }) => ({
            attempt,
            step: { gte: BigInt(fromStep), lte: BigInt(toStep) },
          })),
        },
        after === null
          ? {}
          : {
              OR: [
                { step: { gt: BigInt(after.step) } },
                { step: BigInt(after.step), eventKey: { gt: after.eventKey } },
              ],
            },
      ],
    },
    orderBy: [{ step: 'asc' }, { eventKey: 'asc' }],
    take: limit,
  });
  return rows.map((row) => ({ event: toRunEvent(row), eventKey: row.eventKey }));
}
