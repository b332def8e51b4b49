import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '@/tests/seeded-random';
import { StoredCheck } from './durability/check-stored';
import { KillableProduct } from './durability/killable-product';
import { Ledger } from './durability/ledger';
import { type JobPlan, TrainingJob } from './durability/training-jobs';

/**
 * What was acknowledged outlives any kill. `npm test` kills a few times; with `--long`, or
 * DURABILITY_KILLS and DURABILITY_SEED set, as often and as wanted.
 */
const isLong = process.env['SPIKESCOPE_LONG_TESTS'] === '1';
const kills = Number(process.env['DURABILITY_KILLS'] ?? (isLong ? 60 : 6));
const seed = Number(process.env['DURABILITY_SEED'] ?? Date.now() % 1_000_000);

const LOAD_MS = { shortest: 100, longest: 1_200 };
const PLANS: readonly JobPlan[] = [
  {
    run: 'steady',
    layerCount: 16,
    shards: [0],
    stepsPerPost: 1,
    latePercent: 0,
    restartPercent: 0,
  },
  {
    run: 'behind',
    layerCount: 16,
    shards: [0],
    stepsPerPost: 12,
    latePercent: 5,
    restartPercent: 0,
  },
  {
    run: 'sharded',
    layerCount: 16,
    shards: [0, 7, 8],
    stepsPerPost: 4,
    latePercent: 5,
    restartPercent: 0,
  },
  {
    run: 'restarting',
    layerCount: 16,
    shards: [0],
    stepsPerPost: 8,
    latePercent: 10,
    restartPercent: 2,
  },
];
const PARTS = ['worker', 'postmaster', 'backend'] as const;
type Part = (typeof PARTS)[number];

let product: KillableProduct;

beforeAll(async () => {
  product = await KillableProduct.start();
});

afterAll(async () => {
  await product.stop();
});

function hotFrames(): Promise<number> {
  return product.withClient(async (client) => {
    const { rows } = await client.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM hot_frame',
    );
    return rows[0]!.count;
  });
}

it(
  `keeps each acknowledged post whole and once over ${kills} kills (DURABILITY_SEED=${seed})`,
  async () => {
    console.log(`DURABILITY_KILLS=${kills} DURABILITY_SEED=${seed}`);
    const random = seededRandom(seed);
    const ledger = new Ledger();
    const check = new StoredCheck(product.url, product.databaseUrl, ledger);
    const jobs = PLANS.map((plan) => new TrainingJob(product.url, plan, ledger, random));
    let isOver = false;
    const running = Promise.all(jobs.map((job) => job.run(() => isOver)));
    // A job that fails ends the test at once, not when the last kill is done.
    const failed = running.then(() => new Promise<never>(() => undefined));
    const untilAllPosted = async (): Promise<void> => {
      const before = jobs.map(({ acknowledgedPosts }) => acknowledgedPosts);
      while (jobs.some((job, index) => job.acknowledgedPosts === before[index])) await delay(10);
    };
    const untilPosted = () => Promise.race([untilAllPosted(), failed]);
    await untilPosted();
    const killed: Record<Part, number> = { worker: 0, postmaster: 0, backend: 0 };
    const kill = async (part: Part): Promise<void> => {
      killed[part]++;
      if (part === 'worker') await product.killWorker();
      else if (part === 'postmaster') product.killPostmaster();
      else await product.killBackend((pids) => pids[Math.floor(random() * pids.length)]!);
      await product.untilReady();
    };
    for (let count = 0; count < kills; count++) {
      await delay(LOAD_MS.shortest + random() * (LOAD_MS.longest - LOAD_MS.shortest));
      // Each in turn, so that a short form has them all; when, is left to chance.
      await kill(PARTS[count % PARTS.length]!);
      await untilPosted();
    }
    isOver = true;
    await running;
    await product.untilReady();

    expect(ledger.acknowledgedCount).toBeGreaterThan(kills * PLANS.length);
    const stored = await check.checkKeys();
    const cells = await check.checkValues(stored);
    for (const { run } of PLANS) {
      const response = await fetch(`${product.url}/api/v1/runs/${run}/finish`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{"status":"finished"}',
      });
      expect(response.status).toBe(200);
    }
    // What is left becomes blocks and rollups now, and is not let do so in peace either.
    for (const kind of ['worker', 'backend'] as const) {
      await delay(random() * 200);
      await kill(kind);
    }
    while ((await hotFrames()) > 0) await delay(50);
    const cellsOfBlocks = await check.checkValues(await check.checkKeys());
    expect(cellsOfBlocks).toBe(cells);
    const unknown = ledger.sent.size - ledger.acknowledgedCount;
    console.log(
      `${ledger.acknowledgedCount} posts acknowledged, ${unknown} left in doubt, ${cells} cells read twice, killed ${JSON.stringify(killed)}`,
    );
  },
  // A kill takes some three seconds with what it takes to come back.
  180_000 + kills * 30_000,
);
