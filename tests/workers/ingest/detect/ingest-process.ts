import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findLoopbackPort } from '@/workers/launcher/loopback-port';

/** The ingestion worker as it runs in the product: a process of its own, killed at will. */
export interface IngestProcess {
  readonly url: string;
  /** What it has written so far, to be shown by a test that fails. */
  readonly output: () => string;
  /** kill -9; resolves once it is gone. */
  readonly kill: () => Promise<void>;
}

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** Resolves when it listens; rejects with what it said when it ends before. */
export async function startIngestProcess(databaseUrl: string): Promise<IngestProcess> {
  const port = await findLoopbackPort();
  const child = spawn(process.execPath, ['--import', 'tsx', 'workers/ingest/server.ts'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      INGEST_PORT: `${port}`,
      STATISTICS_BACKEND: 'cpu',
      LOG_LEVEL: 'info',
    },
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString('utf8');
      if (said.includes('"msg":"listening"')) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    void exited.then(() => {
      reject(new Error(`the worker ended: ${said}`));
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    output: () => said,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
