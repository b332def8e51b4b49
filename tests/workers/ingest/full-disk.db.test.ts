import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { seededRandom } from '@/tests/seeded-random';
import { StoredCheck } from './durability/check-stored';
import { KillableProduct } from './durability/killable-product';
import { Ledger } from './durability/ledger';
import { TrainingJob } from './durability/training-jobs';

/** A disk of our own that really is full. It takes the right to mount; outage.db.test.ts needs none. */
const disk = mkdtempSync(join(tmpdir(), 'spikescope-disk-'));
const DISK = 'size=320m';
/** Less than one segment of PostgreSQL's log. */
const LEFT_FREE_BYTES = 10 * 1024 * 1024;

function canMount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', DISK, 'tmpfs', disk], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const isMounted = canMount();

afterAll(() => {
  if (isMounted) execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true, force: true });
});

describe.skipIf(!isMounted)('a disk that is full', () => {
  let product: KillableProduct;

  beforeAll(async () => {
    product = await KillableProduct.start(disk);
  });

  afterAll(async () => {
    await product.stop();
  });

  it('turns posts away, loses nothing, and takes them by itself when there is room', async () => {
    const ledger = new Ledger();
    const plan = {
      ...{ run: 'filling', layerCount: 5_000, shards: [0], stepsPerPost: 8 },
      ...{ latePercent: 0, restartPercent: 0 },
    };
    const job = new TrainingJob(product.url, plan, ledger, seededRandom(7));
    let isOver = false;
    const running = job.run(() => isOver);
    await vi.waitFor(() => expect(job.acknowledgedPosts).toBeGreaterThan(2), { timeout: 60_000 });
    const ballast = join(disk, 'ballast');
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - LEFT_FREE_BYTES)));
    await vi.waitFor(async () => expect(await product.readiness()).toMatchObject({ status: 503 }), {
      timeout: 60_000,
      interval: 20,
    });
    const { writerOutage } = (await product.readiness()) ?? {};
    expect(writerOutage).toMatch(/no space left|cannot be reached|restarted/);
    // Not for a moment alone: nothing has changed for the disk.
    const until = Date.now() + 3_000;
    while (Date.now() < until) {
      expect(await product.readiness()).toMatchObject({ status: 503 });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const acknowledgedWhileFull = job.acknowledgedPosts;
    rmSync(ballast);
    await product.untilReady();
    await vi.waitFor(
      () => expect(job.acknowledgedPosts).toBeGreaterThan(acknowledgedWhileFull + 1),
      { timeout: 60_000 },
    );
    isOver = true;
    await running;
    const check = new StoredCheck(product.url, product.databaseUrl, ledger);
    expect(await check.checkValues(await check.checkKeys())).toBeGreaterThan(100_000);
  }, 240_000);
});
