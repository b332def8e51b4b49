import { z } from 'zod';
import type { Database } from '../../lib/store/database';

export interface Readiness {
  readonly ready: boolean;
  readonly draining: boolean;
  /** Each part by name: `ok`, or what is wrong with it. */
  readonly checks: Readonly<Record<'database' | 'ingest' | 'web', string>>;
}

const TIMEOUT_MS = 2_000;

/** Whether a request sent now would be served: database, ingestion worker with its writer, pages. */
export async function readReadiness(options: {
  readonly db: Database;
  readonly ingestUrl: string;
  readonly webUrl: string;
  readonly isDraining: boolean;
}): Promise<Readiness> {
  const [database, ingest, web] = await Promise.all([
    check(() => options.db.ping()),
    check(() => expectReady(new URL('/readyz', options.ingestUrl))),
    // Any answer of Next's says that it serves; a page would be rendered for nothing.
    check(() => expectAnswer(new URL('/icon.svg', options.webUrl))),
  ]);
  const checks = { database, ingest, web };
  const isWell = Object.values(checks).every((state) => state === 'ok');
  return { ready: isWell && !options.isDraining, draining: options.isDraining, checks };
}

async function check(probe: () => Promise<unknown>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${TIMEOUT_MS / 1000} s`));
    }, TIMEOUT_MS);
  });
  try {
    await Promise.race([probe(), timeout]);
    return 'ok';
  } catch (error) {
    return error instanceof Error ? error.message : 'failed';
  } finally {
    clearTimeout(timer);
  }
}

async function expectAnswer(url: URL): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  // The body is not needed, but an unread one keeps its connection.
  await response.arrayBuffer();
  return response;
}

/** Throws with what the worker says is wrong, for whoever looks at the front door alone. */
async function expectReady(url: URL): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const body = await response.text();
  if (response.ok) return;
  const said = ingestReadinessSchema.safeParse(parseJson(body));
  throw new Error(said.success ? describe(said.data) : `answers ${response.status}`);
}

const ingestReadinessSchema = z.object({
  draining: z.boolean(),
  writerOutage: z.string().nullable(),
  writerLagMs: z.number(),
  compaction: z.string(),
  alerts: z.string(),
});

function describe(said: z.infer<typeof ingestReadinessSchema>): string {
  const { draining, writerOutage, writerLagMs, compaction, alerts } = said;
  const reasons = [
    ...(draining ? ['is stopping'] : []),
    ...(writerOutage === null ? [] : [`takes no posts: ${writerOutage}`]),
    ...(compaction === 'ok' ? [] : [`compaction: ${compaction}`]),
    ...(alerts === 'ok' ? [] : [`alerts: ${alerts}`]),
  ];
  // What is left of what it is judged by.
  return reasons.length === 0
    ? `commits are ${Math.round(writerLagMs / 1000)} s late`
    : reasons.join('; ');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
