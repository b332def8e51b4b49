/**
 * Milliseconds of the reads behind the screens, in process, warm. On an embedded server of
 * its own. Run: npx tsx bench/read-store.ts [repeats]
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeHeatmapColumns } from '../lib/contract/heatmap-columns';
import type { HistogramFrame } from '../lib/contract/frame';
import { readDistributions } from '../lib/query/read-distributions';
import { readHeatmap } from '../lib/query/read-heatmap';
import { readRuns } from '../lib/query/read-runs';
import { readSeries } from '../lib/query/read-series';
import { readTimeline } from '../lib/query/read-timeline';
import { createRun } from '../lib/store/create-run';
import { type Database, openDatabase } from '../lib/store/database';
import { createFrameWriter, type FrameWriter } from '../lib/store/frame-writer';
import { applyMigrations } from '../lib/store/migrate';
import { startEmbeddedPostgres } from '../workers/launcher/embedded-postgres';

const repeats = Number(process.argv[2] ?? 15);
const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const metricNames = ['gradient_norm', ...Array.from({ length: 15 }, (_, index) => `m${index}`)];

async function store(
  db: Database,
  writer: FrameWriter,
  id: string,
  {
    layers,
    steps,
    metrics,
    histogram,
  }: {
    readonly layers: number;
    readonly steps: number;
    readonly metrics: number;
    readonly histogram?: HistogramFrame;
  },
): Promise<void> {
  const { runKey } = await createRun(db, {
    project: 'bench',
    id,
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95 },
    layers: Array.from({ length: layers }, (_, index) => ({
      name: `layer.${index}`,
      parameterCount: 1000,
    })),
  });
  const values = new Map(
    metricNames
      .slice(0, metrics)
      .map((name, metric) => [
        name,
        Float32Array.from({ length: layers }, (_, layer) => 1 + layer * metric),
      ]),
  );
  const histograms = new Map(histogram === undefined ? [] : [['update', histogram] as const]);
  for (let first = 0; first < steps; first += 512) {
    const count = Math.min(512, steps - first);
    await writer.write(
      Array.from({ length: count }, (_, index) => ({
        runKey,
        attempt: 1,
        layerOffset: 0,
        frame: {
          step: first + index,
          wallTime: first + index,
          scalars: new Map([['loss', 10 / (1 + first + index)]]),
          layerCount: layers,
          layerMetrics: values,
          histograms,
          samples: null,
        },
      })),
    );
  }
}

async function measure(name: string, read: () => Promise<unknown>): Promise<void> {
  await read();
  const times: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = performance.now();
    await read();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (q: number): string =>
    (times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? NaN).toFixed(1);
  console.log(`${name.padEnd(46)} p50 ${at(0.5)} ms (${at(0)} … ${at(1)})`);
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}

console.log(
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, commit ${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--', 'lib', 'bench') === '' ? '' : ' with changes'}, load before ${(loadavg()[0] ?? 0).toFixed(1)}`,
);
const dataDirectory = await mkdtemp(path.join(tmpdir(), 'spikescope-bench-'));
const server = await startEmbeddedPostgres({ dataDirectory, logger });
try {
  await applyMigrations({
    url: server.url,
    directory: fileURLToPath(new URL('../prisma/migrations', import.meta.url)),
  });
  const db = openDatabase({ url: server.url, maxConnections: 4 });
  const writer = createFrameWriter({ url: server.url, logger, maxQueuedBytes: 1e9 });
  const histogram = {
    edges: Float32Array.from({ length: 65 }, (_, index) => index / 32 - 1),
    counts: Uint32Array.from({ length: 1000 * 64 }, (_, index) => index % 200),
    outside: new Uint32Array(4000),
  };
  await store(db, writer, 'wide', { layers: 1000, steps: 1000, metrics: 16, histogram });
  await store(db, writer, 'long', { layers: 100, steps: 100_000, metrics: 4 });
  for (let index = 0; index < 100; index++)
    await store(db, writer, `small-${index}`, { layers: 4, steps: 100, metrics: 1 });
  await db.pool.query('VACUUM ANALYZE');

  const window = { attempt: 'effective' as const };
  const heatmap = { ...window, metric: 'gradient_norm', columns: 1000, reduce: 'max' as const };
  await measure('heatmap, 1,000 layers × 1,000 steps', async () =>
    encodeHeatmapColumns(await readHeatmap(db, 'wide', heatmap)),
  );
  await measure('heatmap, 100 layers × 100,000 steps', () => readHeatmap(db, 'long', heatmap));
  await measure('series of one layer, 100,000 steps', () =>
    readSeries(db, 'long', 50, { ...window, metric: 'gradient_norm', points: 1000 }),
  );
  await measure('timeline, 100,000 steps', () =>
    readTimeline(db, 'long', { ...window, series: ['loss', 'gradient_norm'], points: 1000 }),
  );
  await measure('distributions of one layer at a step', () =>
    readDistributions(db, 'wide', 500, { ...window, step: 777, limit: 100 }),
  );
  await measure('distributions of one layer, 100 steps', () =>
    readDistributions(db, 'wide', 500, { ...window, limit: 100 }),
  );
  await measure('runs, a page of 100', () => readRuns(db, { limit: 100 }));
  await writer.close();
  await db.close();
} finally {
  await server.stop();
  await rm(dataDirectory, { recursive: true, force: true });
}
