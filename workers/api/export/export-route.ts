/**
 * `GET /api/v1/runs/{id}/export`: a file, written as it is read.
 *
 *   plan ▶ headers ▶ batches, each read when the one before is written ▶ trailers
 *
 * A client that stops reading stops the reading of the database with it; a failure after the
 * headers cuts the body off without its end, which every HTTP client reports.
 */
import { AppError } from '../../../lib/contract/app-error';
import {
  EXPORT_HEADERS,
  EXPORT_MEDIA_TYPES,
  EXPORT_TRAILERS,
  type ExportQuery,
  exportQuerySchema,
} from '../../../lib/contract/exports';
import type { ExportPlan } from '../../../lib/query/export/export-batch';
import { planExport } from '../../../lib/query/export/plan-export';
import type { Database } from '../../../lib/store/database';
import type { Reply } from '../../http/reply';
import type { Route } from '../../http/router';
import { type ReadHandler, type ReadRequest, parseQuery, permittedRunId } from '../read-request';
import { openEncoder } from './encoding-client';

export const EXPORT_ROUTES: readonly Route<ReadHandler>[] = [
  { method: 'GET', path: '/api/v1/runs/:id/export', handler: getExport },
];

/** Each may hold some 40 MB, and one of the pool's connections while it reads. */
const MOST_AT_ONCE = 4;
const RETRY_AFTER_SECONDS = 10;

/** How many exports of a database are being sent. */
const running = new WeakMap<Database, number>();

interface Sent {
  rows: number;
  completeStep: string;
  /** null where they are those that the headers name. */
  gapsAtEnd: string | null;
}

/** 200; 404 run_not_found, attempt_not_found, layer_not_found; 422; 429 too_many_exports. */
async function getExport(db: Database, request: ReadRequest): Promise<Reply> {
  const query = parseQuery(exportQuerySchema, request.query);
  const runId = await permittedRunId(db, request);
  const plan = await planExport(db, runId, query);
  const sent: Sent = { rows: 0, completeStep: '', gapsAtEnd: null };
  return {
    status: 200,
    headers: headersOf(runId, query, plan),
    body: {
      chunks: request.request.method === 'HEAD' ? nothing() : writeExport(db, query, plan, sent),
      trailers: () => ({
        [EXPORT_TRAILERS.completeStep]: sent.completeStep,
        [EXPORT_TRAILERS.rows]: `${sent.rows}`,
        ...(sent.gapsAtEnd === null ? {} : { [EXPORT_TRAILERS.gapsAtEnd]: sent.gapsAtEnd }),
      }),
    },
  };
}

function headersOf(runId: string, { kind, format }: ExportQuery, plan: ExportPlan) {
  const { total, firstStep, lastStep, nextStep, attempts, roundedBefore, gaps } = plan;
  return {
    'Content-Type': EXPORT_MEDIA_TYPES[format],
    'Content-Disposition': `attachment; filename="${runId}-${kind}.${format}"`,
    Trailer: Object.values(EXPORT_TRAILERS).join(', '),
    [EXPORT_HEADERS.total]: `${total}`,
    ...(firstStep === null ? {} : { [EXPORT_HEADERS.firstStep]: `${firstStep}` }),
    ...(lastStep === null ? {} : { [EXPORT_HEADERS.lastStep]: `${lastStep}` }),
    ...(nextStep === null ? {} : { [EXPORT_HEADERS.nextStep]: `${nextStep}` }),
    ...(attempts === null ? {} : { [EXPORT_HEADERS.attempts]: attempts }),
    ...(gaps === null ? {} : { [EXPORT_HEADERS.gaps]: gaps }),
    ...(roundedBefore === null ? {} : { [EXPORT_HEADERS.roundedBefore]: `${roundedBefore}` }),
  };
}

/** Takes its place among those that run at once; it is given back when the last chunk is taken or the client goes. */
function writeExport(
  db: Database,
  { format }: ExportQuery,
  { columns, batches, gaps, findGaps, requireSameRun }: ExportPlan,
  sent: Sent,
): AsyncGenerator<Uint8Array> {
  const before = running.get(db) ?? 0;
  if (before >= MOST_AT_ONCE) {
    throw new AppError(
      'too_many_exports',
      `${MOST_AT_ONCE} exports are being sent; try again when one of them has ended`,
      { retryAfterSeconds: RETRY_AFTER_SECONDS },
    );
  }
  return write();

  async function* write(): AsyncGenerator<Uint8Array> {
    running.set(db, (running.get(db) ?? 0) + 1);
    const encoder = openEncoder(format, columns);
    try {
      for await (const batch of batches()) {
        const piece = await encoder.encode(batch);
        if (piece !== null) yield piece;
        // Whoever asks for a page meanwhile goes first.
        await new Promise((resolve) => setImmediate(resolve));
        sent.rows += batch.rowCount;
        if (batch.completeStep !== null) sent.completeStep = `${batch.completeStep}`;
      }
      await requireSameRun();
      const gapsAtEnd = await findGaps();
      if (gapsAtEnd !== gaps) sent.gapsAtEnd = gapsAtEnd;
      const tail = await encoder.end();
      if (tail !== null) yield tail;
    } finally {
      running.set(db, (running.get(db) ?? 1) - 1);
      encoder.close();
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // A HEAD request has no body.
}
