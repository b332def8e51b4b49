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
    check(() => expectOk(new URL('/readyz', options.ingestUrl))),
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

async function expectOk(url: URL): Promise<void> {
  const response = await expectAnswer(url);
  if (!response.ok) throw new Error(`answers ${response.status}`);
}
