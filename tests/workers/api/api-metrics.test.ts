import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiMetrics, type ApiMetricsOptions } from '@/workers/api/api-metrics';

const worker = createServer((request, response) => {
  response.statusCode = isWell ? 200 : 503;
  response.end(
    isWell && request.url === '/metrics' ? 'spikescope_ingest_viewers 2\n' : '{"error":{}}',
  );
});
let ingestUrl: string;
let isWell = true;

beforeAll(async () => {
  worker.listen(0, '127.0.0.1');
  await once(worker, 'listening');
  ingestUrl = `http://127.0.0.1:${(worker.address() as AddressInfo).port}`;
});
afterAll(() => worker.close());

const ALL_WELL = { database: 'ok', ingest: 'ok', web: 'ok' };

function apiMetrics(over: Partial<ApiMetricsOptions> = {}): ApiMetrics {
  return new ApiMetrics({
    version: '1.2.3',
    paths: ['/api/v1/runs', '/api/v1/runs/:id', '/api/v1/runs/:id/size', '/api/v1/runs/:id/advice'],
    waitingForAdvice: () => 3,
    ingestUrl,
    readReadiness: () => Promise.resolve({ checks: ALL_WELL }),
    readDatabaseSize: () => Promise.resolve(65e6),
    ...over,
  });
}

/** Samples by name and labels, comments left out. */
async function samplesOf(metrics: ApiMetrics): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.collect()).split('\n').filter((line) => /^[a-z]/.test(line));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

const PARTS = ['database', 'ingest', 'web'];
const ready = (samples: ReadonlyMap<string, number>) =>
  PARTS.map((part) => samples.get(`spikescope_ready{part="${part}"}`));

it('says what runs, which parts serve and how large the database is, beside the worker’s own', async () => {
  const samples = await samplesOf(apiMetrics());
  expect(samples.get('spikescope_build_info{version="1.2.3"}')).toBe(1);
  expect(ready(samples)).toEqual([1, 1, 1]);
  expect(samples.get('spikescope_database_bytes')).toBe(65e6);
  expect(samples.get('spikescope_api_advice_waiting')).toBe(3);
  expect(samples.get('spikescope_ingest_viewers')).toBe(2);
});

it('says which part is away, and no size that it cannot ask for', async () => {
  let checks = ALL_WELL;
  let isThere = true;
  const metrics = apiMetrics({
    readReadiness: () => Promise.resolve({ checks }),
    readDatabaseSize: () =>
      isThere ? Promise.resolve(65e6) : Promise.reject(new Error('the connection broke')),
  });
  expect((await samplesOf(metrics)).has('spikescope_database_bytes')).toBe(true);
  isThere = false;
  const torn = await samplesOf(metrics);
  expect([torn.has('spikescope_database_bytes'), ready(torn)]).toEqual([false, [1, 1, 1]]);
  checks = { ...ALL_WELL, database: 'no answer within 2 s' };
  isThere = true;
  const away = await samplesOf(metrics);
  expect([away.has('spikescope_database_bytes'), ready(away)]).toEqual([false, [0, 1, 1]]);
});

it('leaves the worker’s metrics out while it does not answer them', async () => {
  isWell = false;
  const refused = await apiMetrics().collect();
  isWell = true;
  expect(refused).toContain('# the ingestion worker answers 503');
  expect(refused).not.toContain('error');
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const alone = await apiMetrics({ ingestUrl: `http://127.0.0.1:${port}` }).collect();
  expect(alone).toContain('# the ingestion worker does not answer');
  expect(alone).toContain('spikescope_ready{part="web"} 1');
});

it('times requests by what they read, and nothing that lasts as long as its reader', async () => {
  const metrics = apiMetrics();
  metrics.observe('/api/v1/runs/a/size', 200, 20);
  metrics.observe('/api/v1/runs/a', 404, 1);
  metrics.observe('/api/v1/runs/a/advice', 200, 3);
  metrics.observe('/api/v1/runs/a/advice?after=x&waitSeconds=30', 200, 30_000);
  metrics.observe('/runs/a', 200, 5);
  metrics.observe('/socket.io/?EIO=4', 101, 1e6);
  const samples = await samplesOf(metrics);
  const counts = [...samples].filter(([name]) => name.includes('request_seconds_count'));
  expect(counts.map(([name, count]) => [name.slice(name.indexOf('{')), count])).toEqual([
    ['{kind="size",status="2xx"}', 1],
    ['{kind="run",status="4xx"}', 1],
    ['{kind="advice",status="2xx"}', 1],
    ['{kind="page",status="2xx"}', 1],
  ]);
});
