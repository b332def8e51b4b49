import { z } from 'zod';
import { AppError } from '../contract/app-error';
import type { EventsQuery, EventsReply } from '../contract/reads';
import type { Database } from '../store/database';
import { findEvents } from '../store/events';
import { selectSegments } from '../store/runs/trajectory';
import { requireRun } from './find-run';

const cursorSchema = z.tuple([z.int(), z.guid()]);

/**
 * Events by step, at most `limit`, then a cursor.
 *
 * Throws  AppError `run_not_found`, `attempt_not_found`, `invalid_query`
 */
export async function readEvents(
  db: Database,
  runId: string,
  query: EventsQuery,
): Promise<EventsReply> {
  const run = await requireRun(db, runId);
  const after = query.cursor === undefined ? null : parseCursor(query.cursor);
  const rows = await findEvents(db, run.runKey, {
    segments: selectSegments(run, query.attempt, query),
    after,
    limit: query.limit + 1,
  });
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: page.map(({ event }) => event),
    ...(rows.length > query.limit && last !== undefined
      ? {
          nextCursor: Buffer.from(JSON.stringify([last.event.step, last.eventKey])).toString(
            'base64url',
          ),
        }
      : {}),
  };
}

function parseCursor(text: string): { readonly step: number; readonly eventKey: string } {
  try {
    const [step, eventKey] = cursorSchema.parse(
      JSON.parse(Buffer.from(text, 'base64url').toString('utf8')),
    );
    return { step, eventKey };
  } catch (cause) {
    const message = 'expected the nextCursor of an earlier reply';
    throw new AppError('invalid_query', `cursor: ${message}`, {
      details: [{ path: 'cursor', message }],
      cause,
    });
  }
}
