import { describe, expect, it } from 'vitest';
import { MISSING_FLOAT32_BITS, bitsOf } from '@/lib/contract/missing-value';
import { StepFeed, type StepFeedOptions, type StepPart } from '@/workers/ingest/detect/step-feed';

function aFeed(overrides: Partial<StepFeedOptions> = {}): StepFeed {
  return new StepFeed({
    layerCount: 4,
    newestStep: -1,
    expectedStep: 0,
    metrics: ['rms'],
    ...overrides,
  });
}

function aPart(step: number, overrides: Partial<StepPart> = {}): StepPart {
  return {
    step,
    scalars: new Map([['loss', step]]),
    layerOffset: 0,
    layerCount: 4,
    layerMetrics: new Map([['rms', Float32Array.of(1, 2, 3, 4)]]),
    hasLayers: true,
    ...overrides,
  };
}

const shard = (step: number, layerOffset: number, ...values: number[]): StepPart =>
  aPart(step, {
    layerOffset,
    layerCount: values.length,
    layerMetrics: new Map([['rms', Float32Array.from(values)]]),
  });

const stepsOf = (due: readonly { step: number }[]): number[] => due.map(({ step }) => step);

describe('StepFeed', () => {
  it('hands on whole steps at once, in order', () => {
    const feed = aFeed();
    expect(stepsOf(feed.offer(aPart(0), 0))).toEqual([0]);
    expect(feed.offer(aPart(2), 0)).toEqual([]);
    expect(stepsOf(feed.offer(aPart(1), 0))).toEqual([1, 2]);
    expect(feed.waitingCount).toBe(0);
  });

  it('puts the shards of a step together, whichever comes first', () => {
    const feed = aFeed();
    expect(feed.offer(shard(0, 2, 3, 4), 0)).toEqual([]);
    const [step] = feed.offer(shard(0, 0, 1, 2), 0);
    expect([...step!.layerMetrics.get('rms')!]).toEqual([1, 2, 3, 4]);
    expect(step!.scalars.get('loss')).toBe(0);
  });

  it('takes scalars alone for a complete step', () => {
    const part = aPart(0, { layerCount: 0, layerMetrics: new Map(), hasLayers: false });
    expect(stepsOf(aFeed().offer(part, 0))).toEqual([0]);
  });

  it('does not look at a retry twice', () => {
    const feed = aFeed();
    feed.offer(aPart(0), 0);
    expect(feed.offer(aPart(0), 0, false)).toEqual([]);
    expect(feed.counts.late).toBe(0);
    feed.offer(aPart(2), 0);
    feed.offer(aPart(2), 0, false);
    expect(stepsOf(feed.offer(aPart(1), 0))).toEqual([1, 2]);
  });

  it('passes over a gap after 30 seconds, and counts who comes too late', () => {
    const feed = aFeed();
    feed.offer(aPart(0), 0);
    feed.offer(aPart(2), 1_000);
    feed.offer(aPart(3), 2_000);
    expect(feed.takeOverdue(30_999)).toEqual([]);
    expect(stepsOf(feed.takeOverdue(31_000))).toEqual([2, 3]);
    expect(feed.offer(aPart(1), 32_000)).toEqual([]);
    expect(feed.counts).toEqual({ late: 1, passed: 1 });
  });

  it('passes over a gap after 64 newer steps', () => {
    const feed = aFeed();
    feed.offer(aPart(0), 0);
    for (let step = 2; step <= 65; step++) expect(feed.offer(aPart(step), 0)).toEqual([]);
    expect(stepsOf(feed.offer(aPart(66), 0))).toEqual(
      Array.from({ length: 65 }, (_, index) => index + 2),
    );
  });

  it('goes on without a shard that never comes, its layers missing', () => {
    const feed = aFeed();
    feed.offer(shard(0, 0, 1, 2), 0);
    const [step] = feed.takeOverdue(30_000);
    const column = step!.layerMetrics.get('rms')!;
    expect([...column.subarray(0, 2)]).toEqual([1, 2]);
    expect([...bitsOf(column).subarray(2)]).toEqual([MISSING_FLOAT32_BITS, MISSING_FLOAT32_BITS]);
  });

  it('learns that a job logs every tenth step', () => {
    const feed = aFeed();
    feed.offer(aPart(0), 0);
    feed.offer(aPart(10), 0);
    feed.offer(aPart(20), 0);
    expect(stepsOf(feed.takeOverdue(30_000))).toEqual([10, 20]);
    expect(stepsOf(feed.offer(aPart(30), 31_000))).toEqual([30]);
    expect(feed.offer(aPart(50), 32_000)).toEqual([]);
    expect(stepsOf(feed.offer(aPart(40), 33_000))).toEqual([40, 50]);
  });

  it('sees after two seconds that all that waits lies ten steps apart', () => {
    const feed = aFeed();
    feed.offer(aPart(0), 0);
    feed.offer(aPart(10), 1_000);
    feed.offer(aPart(20), 2_000);
    expect(feed.takeOverdue(3_999)).toEqual([]);
    expect(stepsOf(feed.takeOverdue(4_000))).toEqual([10, 20]);
    expect(stepsOf(feed.offer(aPart(30), 5_000))).toEqual([30]);
    expect(feed.counts).toEqual({ late: 0, passed: 0 });
  });

  it('sees it of a job that begins with its tenth step', () => {
    const feed = aFeed();
    for (const step of [10, 20, 30]) feed.offer(aPart(step), step * 100);
    expect(stepsOf(feed.takeOverdue(5_000))).toEqual([10, 20, 30]);
  });

  it('sees it with one step that waits, where the one before it came as far apart', () => {
    const feed = aFeed();
    feed.offer(aPart(0), 0);
    feed.offer(aPart(10), 100_000);
    expect(stepsOf(feed.takeOverdue(130_000))).toEqual([10]);
    feed.offer(aPart(20), 200_000);
    expect(feed.takeOverdue(201_999)).toEqual([]);
    expect(stepsOf(feed.takeOverdue(202_000))).toEqual([20]);
  });

  it('goes back to every step where one comes from between', () => {
    const feed = aFeed();
    for (const step of [0, 10, 20]) feed.offer(aPart(step), 0);
    feed.takeOverdue(2_000);
    expect(stepsOf(feed.offer(aPart(21), 3_000))).toEqual([21]);
    expect(feed.offer(aPart(31), 4_000)).toEqual([]);
  });

  it('does not take posts for a stride that came in another order than they were sent', () => {
    const feed = aFeed();
    feed.offer(aPart(0), 0);
    // Three senders by turns, of which one goes on: 3 and 6 first, then what lies between.
    feed.offer(aPart(3), 0);
    feed.offer(aPart(6), 1_000);
    expect(feed.takeOverdue(2_999)).toEqual([]);
    expect(stepsOf(feed.offer(aPart(1), 3_000))).toEqual([1]);
    expect(feed.takeOverdue(20_000)).toEqual([]);
    feed.offer(aPart(4), 20_000);
    expect(stepsOf(feed.offer(aPart(2), 20_000))).toEqual([2, 3, 4]);
    expect(feed.takeOverdue(30_999)).toEqual([]);
    expect(stepsOf(feed.offer(aPart(5), 30_999))).toEqual([5, 6]);
  });

  it('does not take every second step for a stride, nor steps with parts in between', () => {
    const second = aFeed();
    for (const step of [0, 2, 4, 6]) second.offer(aPart(step), 0);
    expect(second.takeOverdue(29_999)).toEqual([]);

    const parts = aFeed();
    for (const step of [0, 10, 20]) parts.offer(aPart(step), 0);
    parts.offer(shard(15, 0, 1, 2), 0);
    expect(parts.takeOverdue(29_999)).toEqual([]);
  });

  it('waits for the shards of the steps that show a stride', () => {
    const feed = aFeed();
    feed.offer(aPart(0), 0);
    for (const step of [10, 20, 30]) feed.offer(shard(step, 0, 1, 2), 0);
    expect(feed.takeOverdue(10_000)).toEqual([]);
    feed.offer(shard(10, 2, 3, 4), 10_000);
    feed.offer(shard(20, 2, 3, 4), 10_000);
    expect(stepsOf(feed.takeOverdue(10_000))).toEqual([10, 20]);
    expect(stepsOf(feed.offer(shard(30, 2, 3, 4), 11_000))).toEqual([30]);
  });

  it('does not count the way to the first step as a gap', () => {
    const feed = aFeed();
    feed.offer(aPart(10), 0);
    expect(stepsOf(feed.takeOverdue(2_000))).toEqual([10]);
    feed.offer(aPart(21), 2_000);
    expect(feed.takeOverdue(31_999)).toEqual([]);
  });

  it('knows the stride from the steps before it began', () => {
    const feed = aFeed({ newestStep: 30, stepsBefore: [10, 20, 30] });
    expect(stepsOf(feed.offer(aPart(40), 0))).toEqual([40]);
    expect(feed.offer(aPart(60), 0)).toEqual([]);
  });

  it('does not take one lost step for a stride', () => {
    const feed = aFeed();
    feed.offer(aPart(0), 0);
    feed.offer(aPart(2), 0);
    expect(stepsOf(feed.takeOverdue(30_000))).toEqual([2]);
    expect(feed.offer(aPart(4), 40_000)).toEqual([]);
  });

  it('begins where the attempt does, far from what it continues', () => {
    const feed = aFeed({ newestStep: 290, expectedStep: 300 });
    expect(stepsOf(feed.offer(aPart(300), 0))).toEqual([300]);
    expect(feed.offer(aPart(302), 0)).toEqual([]);
  });

  it('waits two seconds for what may lie before the first step, since jobs count from 1', () => {
    const feed = aFeed();
    feed.offer(aPart(1), 0);
    feed.offer(aPart(2), 500);
    expect(feed.takeOverdue(1_999)).toEqual([]);
    expect(stepsOf(feed.takeOverdue(2_000))).toEqual([1, 2]);
    expect(stepsOf(feed.offer(aPart(3), 2_100))).toEqual([3]);
    feed.offer(aPart(5), 3_000);
    expect(feed.takeOverdue(6_000)).toEqual([]);
  });

  it('waits for the shards of the first step as for those of any other', () => {
    const feed = aFeed();
    feed.offer(shard(1, 0, 1, 2), 0);
    expect(feed.takeOverdue(29_999)).toEqual([]);
    expect(stepsOf(feed.takeOverdue(30_000))).toEqual([1]);
  });

  it('holds copies of what detectors read, not the bodies of requests', () => {
    const feed = aFeed();
    const values = Float32Array.of(1, 2, 3, 4);
    feed.offer(
      aPart(1, {
        layerMetrics: new Map([
          ['rms', values],
          ['custom', values],
        ]),
      }),
      0,
    );
    values.fill(9);
    const [, held] = feed.offer(aPart(0), 0);
    expect([...held!.layerMetrics.keys()]).toEqual(['rms']);
    expect([...held!.layerMetrics.get('rms')!]).toEqual([1, 2, 3, 4]);
  });
});
