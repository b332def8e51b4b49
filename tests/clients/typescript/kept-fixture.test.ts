import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '@/clients/typescript/create-client';
import { type RecordKind, Spool } from '@/clients/typescript/spool';
import { type FakeServer, refuse, startFakeServer } from './fake-server';

/** What either client leaves on disk, by the bytes that both hold themselves to. */
const KEPT = 'tests/fixtures/spool';
const FRAMES = 'tests/fixtures/frames';

interface DescribedRecord {
  readonly kind: RecordKind;
  readonly body?: string;
  readonly text?: string;
}

const described = JSON.parse(readFileSync(join(KEPT, 'records.json'), 'utf8')) as DescribedRecord[];
const records = described.map(({ kind, body, text }) => ({
  kind,
  payload: text === undefined ? readFileSync(join(FRAMES, body!)) : Buffer.from(text),
}));

let folder: string;
let server: FakeServer;
let said: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spikescope-fixture-'));
  server = await startFakeServer();
  said = [];
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The next job of the run that the fixture was left by. */
async function comeBack() {
  // A process of this number does not live, so what it kept is left over.
  const left = join(folder, 'kept-run', `20260131T120000.000000-${2 ** 22 + 1}-5f0c9a`);
  cpSync(join(KEPT, 'run'), left, { recursive: true });
  const words = said;
  const client = createClient({
    url: server.url,
    logger: { info: (text) => words.push(text), warn: (text) => words.push(text) },
    random: () => 0,
    directory: folder,
  });
  const layers = Array.from({ length: 9 }, (_, index) => ({
    name: `h.${index}`,
    parameterCount: 8,
  }));
  const run = client.startRun({
    project: 'fixtures',
    id: 'kept-run',
    optimizer: { name: 'adamw' },
    layers,
  });
  expect(await run.finish('finished')).toBe(true);
  return run;
}

describe('the folder that clients of all languages keep', () => {
  it('is written to the byte', () => {
    const spool = new Spool(join(folder, 'run'), 2 ** 20);
    for (const { kind, payload } of records) spool.append(kind, payload);
    spool.close();
    const written = readFileSync(join(folder, 'run', '00000001.spool'));
    expect(written.equals(readFileSync(join(KEPT, 'run', '00000001.spool')))).toBe(true);
  });

  it('is read back record by record', () => {
    cpSync(join(KEPT, 'run'), join(folder, 'run'), { recursive: true });
    const found = [...new Spool(join(folder, 'run'), 2 ** 20).records()];
    expect(found.map(({ kind, payload }) => ({ kind, payload: Buffer.from(payload) }))).toEqual(
      records,
    );
  });

  it('delivers frames, samples, event and end to their places, in order', async () => {
    const run = await comeBack();
    expect(server.frameRequests.map(({ attempt, layerOffset }) => [attempt, layerOffset])).toEqual([
      [3, null],
      [3, 7],
    ]);
    expect(server.steps).toEqual([0, 12]);
    const [samples] = server.sampleRequests;
    expect(samples).toMatchObject({ attempt: 3, layerOffset: 7 });
    expect(samples?.frames.map(({ step }) => step)).toEqual([13]);
    expect(Array.from(samples!.frames[0]!.samples!.gradient)).toEqual([
      -1.5,
      2.5,
      Math.fround(1e-20),
      -Infinity,
    ]);
    expect(server.events).toEqual([{ attempt: 3, step: 13, kind: 'checkpoint', title: 'näher' }]);
    expect(server.finishes).toEqual([{ status: 'stopped' }, { status: 'finished' }]);
    const paths = server.requests.map(({ path }) => path.split('/').at(-1));
    expect(paths.slice(0, 5)).toEqual(['frames', 'frames', 'samples', 'events', 'finish']);
    expect(run.counts).toMatchObject({ samplesPosted: 1, samplesRefused: 0, dropped: 0 });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([404, 405])(
    'passes over samples that an old server does not take (%i)',
    async (status) => {
      server.misbehave = ({ path }, response) =>
        path.endsWith('/samples') ? refuse(response, status, 'not_found') : false;
      const run = await comeBack();
      expect(server.steps).toEqual([0, 12]);
      expect(server.events).toHaveLength(1);
      expect(run.counts).toMatchObject({ samplesPosted: 0, samplesRefused: 1, dropped: 0 });
      expect(said.filter((text) => text.includes('samples were refused'))).toHaveLength(1);
    },
  );

  it('tries again where a server is away, and counts samples that are near no spike', async () => {
    server.misbehave = ({ path }, response, index) => {
      if (!path.endsWith('/samples')) return false;
      if (index === 0) return refuse(response, 503, 'unavailable');
      const rejected = [{ step: 13, code: 'outside_spikes', message: 'near no spike' }];
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ accepted: 0, duplicates: 0, rejected }));
      return true;
    };
    const run = await comeBack();
    expect(run.counts).toMatchObject({ samplesPosted: 0, samplesRefused: 1, dropped: 0 });
    expect(said.filter((text) => text.includes('samples'))).toEqual([]);
  });
});
