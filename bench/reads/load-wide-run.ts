/** A run of many layers and metrics with histograms, posted through the frame writer and compacted but for its last steps. */
import pg from 'pg';
import type { HistogramFrame } from '../../lib/contract/frame';
import { compactAttempt } from '../../lib/store/compaction/compact-attempt';
import { createBuffers } from '../../lib/store/compaction/write-blocks';
import { createRun } from '../../lib/store/runs/create-run';
import type { Database } from '../../lib/store/database';
import { createFrameWriter } from '../../lib/store/writing/frame-writer';
import { seededRandom } from '../../tests/seeded-random';
import { METRIC } from './load-run';

export interface WideRun {
  readonly id: string;
  readonly layers: number;
  readonly steps: number;
  readonly metrics: number;
}

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
/** What advice asks of layers. */
const OF_ADVICE = ['gradient_rms', 'rms', 'ratio_dip', 'second_moment_below_epsilon_fraction'];
/** Of one write. */
const STEPS_A_WRITE = 50;

export async function loadWideRun(db: Database, url: string, run: WideRun): Promise<void> {
  const { runKey } = await createRun(db, {
    project: 'bench',
    id: run.id,
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95 },
    layers: Array.from({ length: run.layers }, (_, index) => ({
      name: `layer.${index}`,
      parameterCount: 1000,
    })),
  });
  const random = seededRandom(2);
  const histogram: HistogramFrame = {
    edges: Float32Array.from({ length: 65 }, (_, index) => index / 32 - 1),
    counts: Uint32Array.from({ length: run.layers * 64 }, (_, index) => index % 200),
    outside: new Uint32Array(run.layers * 4),
  };
  const names = [
    METRIC,
    ...OF_ADVICE,
    ...Array.from({ length: run.metrics }, (_, index) => `m${index}`),
  ].slice(0, run.metrics);
  const writer = createFrameWriter({ url, logger, maxQueuedBytes: 1e9 });
  for (let first = 0; first < run.steps; first += STEPS_A_WRITE) {
    await writer.write(
      Array.from({ length: STEPS_A_WRITE }, (_, index) => ({
        runKey,
        attempt: 1,
        layerOffset: 0,
        frame: {
          step: first + index,
          wallTime: 1.7e9 + first + index,
          scalars: new Map([
            ['loss', 2 + random()],
            ['gradient_norm', random()],
          ]),
          layerCount: run.layers,
          layerMetrics: new Map(
            names.map((name) => [name, Float32Array.from({ length: run.layers }, random)]),
          ),
          histograms: new Map([['update', histogram]]),
          samples: null,
        },
      })),
    );
  }
  await writer.close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const buffers = createBuffers();
  for (let hasMore = true; hasMore;) {
    const unit = await compactAttempt(
      client,
      { runKey, attempt: 1 },
      { includesLate: true, buffers },
    );
    ({ hasMore } = unit);
  }
  await client.end();
}
