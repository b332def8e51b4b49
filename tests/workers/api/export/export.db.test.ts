/** Exports of hot, half compacted and compacted runs against every posted value, in each format. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { type ClonedDatabase, createTestDatabase } from '@/tests/database';
import { compactAll, withClient } from '@/tests/lib/store/compaction/compactor';
import { receive, roundAll } from '@/tests/lib/store/compaction/rounder';
import { anyLongRun, type LongPost, type LongRun, stepsOf } from '@/tests/lib/query/long-runs';
import { attemptsOf, createLongRun, writePosts } from '@/tests/lib/query/stored-long-run';
import { METRIC } from '@/tests/lib/query/stored-runs';
import { type TestServers, startServers } from '@/tests/servers';

let database: ClonedDatabase;
let servers: TestServers;
let runNumber = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  servers = await startServers({ database });
});
afterAll(async () => {
  await servers.stop();
  await database.drop();
});

type Row = Readonly<Record<string, number | string | null>>;

const FORMATS = ['csv', 'jsonl', 'parquet'] as const;

async function fetchExport(id: string, query: Record<string, string | number>) {
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]) => [name, String(value)]),
  );
  const response = await servers.api(`/api/v1/runs/${id}/export?${search.toString()}`);
  if (response.status !== 200) throw new Error(await response.text());
  return { headers: response.headers, bytes: await response.arrayBuffer() };
}

const toNumber = (cell: string): number | null =>
  cell === '' ? null : cell === '-0' ? -0 : Number(cell);

async function parseRows(format: (typeof FORMATS)[number], bytes: ArrayBuffer): Promise<Row[]> {
  const text = Buffer.from(bytes).toString();
  switch (format) {
    case 'csv': {
      const [head = '', ...lines] = text.split('\r\n').slice(0, -1);
      const names = head.split(',');
      return lines.map((line) => {
        const cells = line.split(',');
        return Object.fromEntries(names.map((name, index) => [name, toNumber(cells[index]!)]));
      });
    }
    case 'jsonl':
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => {
          const row = JSON.parse(line) as Record<string, number | string | null>;
          const entries = Object.entries(row).map(([name, cell]) => [
            name,
            typeof cell === 'string' ? toNumber(cell) : cell,
          ]);
          return Object.fromEntries(entries) as Row;
        });
    case 'parquet': {
      const rows = await parquetReadObjects({ file: bytes });
      return rows.map((row) => {
        const entries = Object.entries(row).map(([name, cell]) => [
          name,
          typeof cell === 'bigint' ? Number(cell) : (cell as number | null),
        ]);
        return Object.fromEntries(entries) as Row;
      });
    }
  }
}

/** With −0, NaN and what is missing told apart; thousands of rows as one text. */
function toText(rows: readonly Row[]): string {
  const cellText = (cell: number | string | null | undefined) =>
    Object.is(cell, -0) ? '-0' : String(cell ?? null);
  return rows
    .map((row) =>
      Object.entries(row)
        .map(([name, cell]) => `${name}=${cellText(cell)}`)
        .join(' '),
    )
    .join('\n');
}

const compact = (runKey: string, attempts: readonly number[]) =>
  withClient(database.url, (client) => compactAll(client, runKey, attempts));

/** What the rows must be, told from the posts alone. */
function expectedRows(run: LongRun, posts: readonly LongPost[], attempt: number | 'effective') {
  const steps = stepsOf(run.layerCount, posts).filter((it) =>
    attempt === 'effective'
      ? run.resumeSteps.findLastIndex((resume) => resume <= it.step) + 1 === it.attempt
      : it.attempt === attempt,
  );
  const layers = steps.flatMap(({ attempt: of, step, cells }) =>
    cells.flatMap((cell, layer) =>
      cell === null ? [] : [{ attempt: of, step, layer, [METRIC]: cell }],
    ),
  );
  const scalars = steps.map(({ attempt: of, step, scalars: said }) => ({
    attempt: of,
    step,
    loss: said.get('loss') ?? null,
    wall_time: said.get('wall_time') ?? null,
  }));
  return { layers, scalars, stepCount: steps.length };
}

/** Some ten seconds on a machine of its own. */
const TIMEOUT_MS = 180_000;

it(
  'writes what was posted, bit by bit, over attempts, hot rows and blocks',
  { timeout: TIMEOUT_MS },
  async () => {
    await fc.assert(
      fc.asyncProperty(anyLongRun, fc.integer({ min: 250, max: 900 }), async (run, maxSteps) => {
        const id = `export-${++runNumber}`;
        const runKey = await createLongRun(servers.db, id, run);
        const posted: LongPost[] = [];
        for (const [index, portion] of run.portions.entries()) {
          await writePosts(servers.writer, runKey, portion);
          posted.push(...portion);
          // The last portion stays hot.
          if (index < run.portions.length - 1) await compact(runKey, attemptsOf(run));
        }
        const hasMetric = posted.some(({ cells }) => cells.length > 0);
        const hasLoss = posted.some(({ scalars }) => 'loss' in scalars);
        for (const attempt of ['effective', 1] as const) {
          const expected = expectedRows(run, posted, attempt);
          for (const format of FORMATS) {
            if (hasMetric) {
              const query = { kind: 'layers', format, attempt, metric: METRIC };
              const whole = await fetchExport(id, query);
              expect(whole.headers.get('x-export-total')).toBe(`${expected.stepCount}`);
              const rows = await parseRows(format, whole.bytes);
              expect(toText(rows)).toBe(toText(expected.layers));
              // The same in parts, each from where the one before says.
              const parts: Row[] = [];
              for (let fromStep: string | null = '0'; fromStep !== null;) {
                const part = await fetchExport(id, { ...query, maxSteps, fromStep });
                parts.push(...(await parseRows(format, part.bytes)));
                fromStep = part.headers.get('x-export-next-step');
              }
              expect(toText(parts)).toBe(toText(rows));
            }
            if (hasLoss) {
              const query = { kind: 'steps', format, attempt, metric: 'loss,wall_time' };
              const rows = await parseRows(format, (await fetchExport(id, query)).bytes);
              expect(toText(rows)).toBe(toText(expected.scalars));
            }
          }
        }
      }),
      { numRuns: 5, seed: 20_260_106, endOnFailure: true },
    );
  },
);

it('keeps −0, subnormals and the widest float32 exact', async () => {
  const values = [-0, 0, 1e-45, -1.1754942e-38, 3.4028235e38, 0.1, NaN, Infinity, -Infinity];
  const { runKey } = await createRun(servers.db, aRun({ id: 'exact', layerCount: values.length }));
  const frame = aFrame(5, { layers: { [METRIC]: values }, scalars: { loss: -0 } });
  await servers.writer.write([{ runKey, attempt: 1, layerOffset: 0, frame }]);
  for (const format of FORMATS) {
    const { bytes } = await fetchExport('exact', { kind: 'layers', format, layers: '0-3,4-8' });
    const rows = await parseRows(format, bytes);
    expect(rows.map((row) => row[METRIC])).toEqual(values.map(Math.fround));
    const steps = await fetchExport('exact', { kind: 'steps', format });
    expect(toText(await parseRows(format, steps.bytes))).toContain('loss=-0');
  }
});

it('says of spikes and stages all that is stored, texts quoted and steps ascending', async () => {
  const { runKey } = await createRun(servers.db, aRun({ id: 'found' }));
  const spike = {
    ...{ runKey, attempt: 1, kind: 'divergence', recovery: 'diverged', verdict: 'no_precursor' },
    ...{ firstMovers: [{ layer: 1, metric: 'rms', step: 6, leadSteps: 1, z: null }] },
  };
  await servers.db.prisma.spike.createMany({
    data: [
      { ...spike, id: 'b', onsetStep: 20n, peakValue: Infinity },
      { ...spike, id: 'a', onsetStep: 7n },
    ],
  });
  await servers.db.pool.query(`UPDATE spike SET peak_value = 'NaN' WHERE id = 'a'`);
  await servers.post('/api/v1/runs/found/events', {
    step: 3,
    kind: 'note',
    title: 'a "quoted", title',
  });
  const spikes = await fetchExport('found', { kind: 'spikes', format: 'jsonl' });
  const lines = Buffer.from(spikes.bytes).toString().trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { id: 'a', onsetStep: 7, peakValue: 'NaN', firstMovers: spike.firstMovers, baseline: null },
    { id: 'b', onsetStep: 20, peakValue: 'Infinity' },
  ]);
  const events = await fetchExport('found', { kind: 'events' });
  expect(Buffer.from(events.bytes).toString()).toMatch(
    /^id,attempt,step,kind,title,detail,createdAt\r\n[^,]+,1,3,note,"a ""quoted"", title",,2\d{3}-[^,]+Z\r\n$/,
  );
  const rest = await fetchExport('found', { kind: 'spikes', format: 'parquet', fromStep: 8 });
  expect(await parquetReadObjects({ file: rest.bytes })).toMatchObject([
    { id: 'b', onsetStep: 20n, peakValue: Infinity },
  ]);
});

it('refuses what it cannot export and names the field', async () => {
  await createRun(servers.db, aRun({ id: 'strict' }));
  for (const [query, status, path] of [
    ['kind=layers&metric=nothing', 422, 'metric'],
    ['kind=spikes&layers=1', 422, 'layers'],
    ['kind=layers&attempt=all', 422, 'attempt'],
    ['kind=layers&layers=2-1', 422, 'layers'],
    ['kind=layers&layers=9', 404, ''],
    ['kind=everything', 422, 'kind'],
  ] as const) {
    const reply = await servers.get(`/api/v1/runs/strict/export?${query}`);
    expect([query, reply.status, reply.body.error.details?.[0]?.path ?? '']).toEqual([
      query,
      status,
      path,
    ]);
  }
});

/** More rows than connections hold on their way to somebody who does not read. */
async function storeManyRows(id: string): Promise<{ layerCount: number; stepCount: number }> {
  const layerCount = 200;
  const stepCount = 3000;
  const { runKey } = await createRun(servers.db, aRun({ id, layerCount }));
  for (let first = 0; first < stepCount; first += 500) {
    await servers.writer.write(
      Array.from({ length: 500 }, (_, index) => ({
        runKey,
        attempt: 1,
        layerOffset: 0,
        frame: aFrame(first + index, {
          layers: { [METRIC]: Array.from({ length: layerCount }, (__, layer) => layer / 7) },
        }),
      })),
    );
  }
  return { layerCount, stepCount };
}

/** An export of layers that nobody takes; once its sender has come to rest. */
async function exportAtRest(id: string): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const path = `${servers.url}/api/v1/runs/${id}/export?kind=layers`;
    httpRequest(path, resolve).on('error', reject).end();
  });
  // The first of it has come, and nobody takes it: the sender comes to rest.
  await new Promise((resolve) => response.once('readable', resolve));
  const sentBytes = () => response.socket.bytesRead;
  const { pool } = servers.db;
  // A busy machine may send nothing for a while and read on: at rest it does neither.
  for (let before = -1; before !== sentBytes() || pool.idleCount !== pool.totalCount;) {
    before = sentBytes();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return response;
}

it('waits for a slow reader, holding no connection, and ends with trailers', async () => {
  const { layerCount, stepCount } = await storeManyRows('slow');
  const response = await exportAtRest('slow');
  const atRest = response.socket.bytesRead;
  let bytes = 0;
  let lines = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 10) lines++;
  }
  expect(lines).toBe(1 + stepCount * layerCount);
  expect(atRest).toBeLessThan(bytes / 2);
  expect(response.trailers).toEqual({
    'x-export-complete-step': `${stepCount - 1}`,
    'x-export-rows': `${stepCount * layerCount}`,
  });
});

it('breaks off where the run is removed meanwhile, and made again under its id', async () => {
  const { layerCount } = await storeManyRows('removed');
  const response = await exportAtRest('removed');
  const removal = await servers.api('/api/v1/runs/removed', { method: 'DELETE' });
  expect(removal.status).toBe(200);
  await createRun(servers.db, aRun({ id: 'removed', layerCount }));
  await expect(
    (async () => {
      for await (const chunk of response as AsyncIterable<Buffer>) expect(chunk.length).not.toBe(0);
    })(),
  ).rejects.toThrow('aborted');
});

it('says which attempt counts from which step on, of the whole run', async () => {
  const { runKey } = await createRun(servers.db, aRun({ id: 'rewound' }));
  const write = (attempt: number, steps: readonly number[]) =>
    servers.writer.write(
      steps.map((step) => ({ runKey, attempt, layerOffset: 0, frame: aFrame(step) })),
    );
  const attemptsOf = async (query: Record<string, string>) =>
    (await fetchExport('rewound', query)).headers.get('X-Export-Attempts');
  await write(1, [0, 1, 2]);
  expect(await attemptsOf({ kind: 'steps' })).toBe('1:0');
  await createRun(servers.db, aRun({ id: 'rewound', resumeFromStep: 2 }));
  await write(2, [2, 3]);
  expect(await attemptsOf({ kind: 'steps', fromStep: '3' })).toBe('1:0,2:2');
  expect(await attemptsOf({ kind: 'steps', attempt: '2' })).toBe('2:0');
  expect(await attemptsOf({ kind: 'events' })).toBeNull();
});

it('says up to which step values are rounded, and nothing where all are as they were posted', async () => {
  const { runKey } = await createRun(servers.db, aRun({ id: 'rounded', layerCount: 3 }));
  await servers.post('/api/v1/runs/rounded/frames', {
    frames: Array.from({ length: 300 }, (_, step) => ({
      step,
      layers: { rms: [step / 7, -1 / (step + 1), 0] },
    })),
  });
  const before = await fetchExport('rounded', { kind: 'layers' });
  expect(before.headers.get('x-export-rounded-before')).toBeNull();
  await receive(servers.db, runKey, new Date('2026-01-01T00:00:00Z'), 150);
  await withClient(database.url, async (client) => {
    await compactAll(client, runKey);
    await roundAll(client, runKey, new Date('2026-02-01T00:00:00Z'));
  });
  const headerOf = async (query: Record<string, string | number>) =>
    (await fetchExport('rounded', { kind: 'layers', ...query })).headers.get(
      'x-export-rounded-before',
    );
  expect(await headerOf({})).toBe('128');
  expect(await headerOf({ toStep: 99 })).toBe('100');
  expect(await headerOf({ fromStep: 128 })).toBeNull();
  expect(await headerOf({ kind: 'steps' })).toBeNull();
  const size = await servers.get('/api/v1/runs/rounded/size');
  expect(size.body.precision).toMatchObject({ roundedBefore: 128 });
  expect(size.body.precision.roundedBytes).toBeGreaterThan(0);
  expect(size.body.precision.exactBytes).toBeGreaterThan(0);
});
