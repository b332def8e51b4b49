import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { launch } from '@/workers/launcher/launch';
import { findLoopbackPort } from '@/workers/launcher/loopback-port';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

let root: string;
let port: number;
let stop: AbortController;
let printed: string[];
let environment: Record<string, string>;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'spikescope-launch-'));
  port = await findLoopbackPort();
  stop = new AbortController();
  printed = [];
  environment = {};
  for (const path of ['prisma/migrations', 'workers/launcher/exit-with-parent.mjs']) {
    cpSync(join(REPOSITORY, path), join(root, path), { recursive: true });
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const PART_FILES = {
  ingest: '.build/workers/ingest/server.mjs',
  api: '.build/workers/api/server.mjs',
  web: 'node_modules/next/dist/bin/next',
};

/**
 * A stand-in that listens where the part would, and notes in a journal that it was asked to
 * end. `import()` works in both kinds of module, so one text serves for all three.
 */
function writePart(
  part: keyof typeof PART_FILES,
  portSource: string,
  answer = "(request, response) => response.end('ok')",
): void {
  const path = join(root, PART_FILES[part]);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    `
    import('node:http').then(({ createServer }) => {
      createServer(${answer}).listen(${portSource}, '127.0.0.1');
    });
    process.on('SIGTERM', () => {
      import('node:fs').then(({ appendFileSync }) => {
        appendFileSync(${JSON.stringify(join(root, 'journal'))}, '${part} ');
        process.exit(0);
      });
    });`,
  );
}

function writeAllParts(): void {
  writePart('ingest', 'process.env.INGEST_PORT');
  // As the real one: ready once those behind it answer.
  writePart(
    'api',
    'process.env.PORT',
    `async (request, response) => {
      const upstreams = [process.env.INGEST_URL, process.env.WEB_URL];
      await Promise.all(upstreams.map((url) => fetch(url))).catch(() => (response.statusCode = 503));
      response.end();
    }`,
  );
  writePart('web', 'process.argv.at(-1)');
}

function start(onReady: () => void) {
  return launch({
    root,
    dataDir: join(root, 'data'),
    isDevelopment: false,
    isDemo: false,
    demoArguments: [],
    environment: { PATH: process.env['PATH'], PORT: String(port), ...environment },
    databasePatienceMs: 0,
    stop: stop.signal,
    kill: new AbortController().signal,
    print: (line) => {
      printed.push(line);
      if (line.includes('is ready')) onReady();
    },
  });
}

describe('launch', () => {
  it('stops the parts in the order in which nothing is lost', async () => {
    writeAllParts();
    await start(() => stop.abort());
    expect(printed.join('\n')).toContain(`Spikescope is ready: http://127.0.0.1:${port}`);
    expect(readFileSync(join(root, 'journal'), 'utf8')).toBe('api ingest web ');
  });

  it('ends with the last words of a part that does not start', async () => {
    writeAllParts();
    writeFileSync(
      join(root, PART_FILES.ingest),
      "console.error('INGEST_PORT: expected a port'); process.exit(78);",
    );
    await expect(start(() => stop.abort())).rejects.toThrow(
      /^ingest did not start \(exit code 78\)[\s\S]*INGEST_PORT: expected a port/,
    );
  });

  it('says in one sentence that another process uses the data', async () => {
    writeAllParts();
    let second: Promise<unknown> = Promise.resolve(null);
    await start(() => {
      second = findLoopbackPort()
        .then((otherPort) => {
          port = otherPort;
          return start(() => undefined);
        })
        .catch((error: unknown) => error)
        .finally(() => stop.abort());
    });
    expect(String(await second)).toMatch(/The database did not start: .* is in use by process/);
  });

  it('says that it runs already when it is started twice', async () => {
    writeAllParts();
    let second: Promise<unknown> = Promise.resolve(null);
    await start(() => {
      second = start(() => undefined)
        .catch((error: unknown) => error)
        .finally(() => stop.abort());
    });
    expect(String(await second)).toContain(
      `Spikescope runs already: http://127.0.0.1:${port} (process ${process.pid})`,
    );
  });

  it('names PORT when something listens there', async () => {
    const other = createServer();
    await once(other.listen(port, '127.0.0.1'), 'listening');
    await expect(start(() => undefined)).rejects.toThrow(`PORT=${port} is in use on 127.0.0.1`);
    other.close();
  });

  it('names the folder and its setting where data cannot be written', async () => {
    writeFileSync(join(root, 'data'), 'a file where a folder should be');
    await expect(start(() => undefined)).rejects.toThrow(
      /data cannot be used: .*; set SPIKESCOPE_DATA_DIR to a folder/,
    );
  });

  it('judges the settings of every part before it starts one', async () => {
    environment = { STATISTICS_BACKEND: 'gpu' };
    await expect(start(() => undefined)).rejects.toThrow(/^These settings cannot stand: STAT/);
  });

  it('names a database of one’s own that cannot be reached, and not its password', async () => {
    environment = { DATABASE_URL: 'postgres://ada:secret@127.0.0.1:1/spikes' };
    await expect(start(() => undefined)).rejects.toThrow(
      /^The database of DATABASE_URL \(127\.0\.0\.1:1\/spikes\) .*ECONNREFUSED/,
    );
  });
});
