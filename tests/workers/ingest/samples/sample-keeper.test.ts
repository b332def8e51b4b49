import { describe, expect, it } from 'vitest';
import type { Frame } from '@/lib/contract/frame';
import type { SamplesToStore } from '@/lib/store/sample-frames';
import { silentLogger } from '@/tests/database';
import type { WatchedSpike } from '@/workers/ingest/detect/attempt-detection';
import { SampleKeeper } from '@/workers/ingest/samples/sample-keeper';
import { aFrame } from '../../../builders/frame';

/** Three tensors of two float32: 24 bytes. */
function sampled(step: number): Frame {
  const values = Float32Array.of(step, 1);
  return {
    ...aFrame(step, { layers: {}, layerCount: 1 }),
    samples: { sampleCount: 2, gradient: values, firstMoment: values, secondMoment: values },
  };
}

function aKeeper(options: { maxBytes?: number; save?: () => Promise<boolean> } = {}) {
  const saved: SamplesToStore[] = [];
  const keeper = new SampleKeeper({
    logger: silentLogger,
    retryDelayMs: 0,
    ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
    save: async (samples) => {
      const isThere = await (options.save?.() ?? true);
      if (isThere) saved.push(samples);
      return isThere;
    },
  });
  const post = (step: number, { runKey = 'run', attempt = 1, layerOffset = 0 } = {}) => {
    keeper.offer({ runKey, attempt, layerOffset, frame: sampled(step) });
  };
  const watch = (step: number, spikes: readonly WatchedSpike[] = [], runKey = 'run') => {
    keeper.watched(runKey, 1, step, spikes);
  };
  return {
    keeper,
    post,
    watch,
    /** A job that posts its steps one by one, a spike being confirmed on the step `at`. */
    run: (fromStep: number, toStep: number, at = -1, spike = aSpike(at)) => {
      for (let step = fromStep; step <= toStep; step++) {
        post(step);
        watch(step, step === at ? [spike] : []);
      }
    },
    steps: async () => {
      await keeper.settled();
      return saved.map(({ step }) => step);
    },
    saved,
  };
}

const aSpike = (onsetStep: number, overrides: Partial<WatchedSpike> = {}): WatchedSpike => ({
  id: `1-loss_spike-${onsetStep}`,
  attempt: 1,
  kind: 'loss_spike',
  onsetStep,
  ...overrides,
});

const place = { runKey: 'run', attempt: 1, layerOffset: 0 };
const STEPS_AROUND_100 = [95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105];

describe('SampleKeeper', () => {
  it('holds samples that came late for longer than those of a frame', async () => {
    const { keeper, post, watch, steps } = aKeeper();
    post(10);
    keeper.offerLate({ runKey: 'run', attempt: 1, layerOffset: 0, frame: sampled(11) });
    watch(60, [aSpike(12)]);
    expect(await steps()).toEqual([10, 11]);
    post(70);
    keeper.offerLate({ runKey: 'run', attempt: 1, layerOffset: 0, frame: sampled(71) });
    watch(134);
    watch(134, [aSpike(75)]);
    expect(await steps()).toEqual([10, 11, 71]);
    keeper.offerLate({ runKey: 'run', attempt: 1, layerOffset: 0, frame: sampled(90) });
    watch(155);
    watch(155, [aSpike(92)]);
    expect(await steps()).toEqual([10, 11, 71]);
  });

  it('lets go of what a run holds that has ended, not of what others do', async () => {
    const { keeper, post, watch, steps } = aKeeper();
    post(97);
    post(98, { runKey: 'other' });
    keeper.letGo('run');
    expect(keeper.status().heldBytes).toBe(24);
    watch(100, [aSpike(100)], 'other');
    expect(await steps()).toEqual([98]);
  });

  it('lets go of runs that were quiet from one look to the next', () => {
    const { keeper, post } = aKeeper();
    post(1);
    post(1, { runKey: 'other' });
    keeper.releaseQuiet();
    expect(keeper.status().heldBytes).toBe(48);
    post(2);
    keeper.releaseQuiet();
    expect([1, 2].map((step) => keeper.holds({ ...place, step }))).toEqual([true, true]);
    expect(keeper.holds({ ...place, runKey: 'other', step: 1 })).toBe(false);
    expect(keeper.status().heldBytes).toBe(48);
  });

  it('keeps the five steps before an onset and the five after, and no others', async () => {
    const { run, steps } = aKeeper();
    run(0, 200, 103, aSpike(100));
    expect(await steps()).toEqual(STEPS_AROUND_100);
  });

  it('keeps bytes of its own, in the type that they were posted in', async () => {
    const { keeper, watch, steps, saved } = aKeeper();
    const frame = sampled(1);
    const bytes = Uint8Array.of(1, 2, 3, 4);
    const posted = { type: 'BF16', bytes } as const;
    const { gradient } = frame.samples!;
    keeper.offer({
      runKey: 'run',
      attempt: 1,
      layerOffset: 3,
      frame: {
        ...frame,
        samples: {
          ...frame.samples!,
          posted: {
            gradient: posted,
            firstMoment: posted,
            secondMoment: { type: 'F32', bytes: new Uint8Array(gradient.buffer) },
          },
        },
      },
    });
    bytes.fill(9);
    gradient.fill(9);
    watch(1, [aSpike(1)]);
    expect(await steps()).toEqual([1]);
    const [stored] = saved;
    expect(stored).toMatchObject({ layerOffset: 3, layerCount: 1, sampleCount: 2 });
    expect(stored?.gradient).toEqual({ type: 'BF16', bytes: Uint8Array.of(1, 2, 3, 4) });
    expect(new Float32Array(stored!.secondMoment.bytes.buffer)).toEqual(Float32Array.of(1, 1));
  });

  it('keeps every shard of a step, and a late one too', async () => {
    const { post, watch, steps } = aKeeper();
    post(100, { layerOffset: 0 });
    post(100, { layerOffset: 1 });
    watch(100, [aSpike(100)]);
    for (let step = 101; step < 120; step++) watch(step);
    post(98);
    post(99, { layerOffset: 1 });
    expect(await steps()).toEqual([100, 100, 98, 99]);
  });

  it.each(['divergence', 'rms_spike'] as const)('keeps the steps around a %s', async (kind) => {
    const { run, steps } = aKeeper();
    run(90, 120, 100, aSpike(100, { kind }));
    expect(await steps()).toEqual(STEPS_AROUND_100);
  });

  it('keeps nothing of an outlier batch', async () => {
    const { run, steps } = aKeeper();
    run(90, 120, 102, aSpike(100, { kind: 'outlier_batch' }));
    expect(await steps()).toEqual([]);
  });

  it('keeps a step once, however often its spike is told of', async () => {
    const { run, watch, steps } = aKeeper();
    run(90, 104, 102, aSpike(100));
    watch(104, [aSpike(100)]);
    run(105, 120, 110, aSpike(100));
    expect(await steps()).toEqual(STEPS_AROUND_100);
  });

  it('keeps what a re-dated onset adds', async () => {
    const { run, steps } = aKeeper();
    run(80, 120, 103, aSpike(100));
    expect(await steps()).toEqual(STEPS_AROUND_100);
    const again = aKeeper();
    again.run(80, 103, 103, aSpike(100));
    again.watch(103, [aSpike(97, { id: '1-loss_spike-100' })]);
    again.run(104, 120);
    expect((await again.steps()).sort((a, b) => a - b)).toEqual([
      92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103,
    ]);
  });

  it('takes a spike at a resume point from the attempt before', async () => {
    const { keeper, post, steps, saved } = aKeeper();
    for (let step = 95; step < 100; step++) post(step, { attempt: 1 });
    post(100, { attempt: 2 });
    keeper.watched('run', 2, 100, [aSpike(100, { attempt: 1 })]);
    expect(await steps()).toEqual([95, 96, 97, 98, 99, 100]);
    expect(saved.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1, 2]);
  });

  it('leaves other runs alone', async () => {
    const { post, watch, steps } = aKeeper();
    post(100);
    post(100, { runKey: 'other' });
    watch(100, [aSpike(100)], 'other');
    post(101);
    expect(await steps()).toEqual([100]);
  });

  it('lets go of steps that no spike asked for', () => {
    const { run, keeper } = aKeeper();
    run(0, 1000);
    expect(keeper.status()).toEqual({ heldBytes: 25 * 24, kept: 0, dropped: 0 });
    keeper.forget('run');
    expect(keeper.status().heldBytes).toBe(0);
  });

  it('holds no more than it may, and counts what leaves before its time', async () => {
    const { keeper, post, watch, steps } = aKeeper({ maxBytes: 4 * 24 });
    for (let step = 94; step <= 100; step++) post(step);
    expect(keeper.status()).toEqual({ heldBytes: 4 * 24, kept: 0, dropped: 3 });
    watch(100, [aSpike(100)]);
    expect(await steps()).toEqual([97, 98, 99, 100]);
    expect(keeper.status()).toEqual({ heldBytes: 0, kept: 4, dropped: 3 });
  });

  it('lets steps go that no spike has asked for, so that those of a spike have room', async () => {
    let letGo: () => void = () => undefined;
    const disk = new Promise<void>((resolve) => (letGo = resolve));
    const { keeper, post, watch, steps } = aKeeper({
      maxBytes: 4 * 24,
      save: () => disk.then(() => true),
    });
    post(100);
    watch(100, [aSpike(100)]);
    for (const step of [1, 2, 3]) post(step, { runKey: 'other' });
    for (const step of [101, 102]) post(step);
    expect(keeper.status()).toEqual({ heldBytes: 4 * 24, kept: 0, dropped: 2 });
    for (const step of [103, 104]) post(step);
    expect(keeper.status()).toEqual({ heldBytes: 4 * 24, kept: 0, dropped: 4 });
    letGo();
    expect(await steps()).toEqual([100, 101, 102, 103]);
  });

  it('refuses a post larger than all that it may hold', () => {
    const { keeper, post } = aKeeper({ maxBytes: 10 });
    post(1);
    expect(keeper.status()).toEqual({ heldBytes: 0, kept: 0, dropped: 1 });
  });

  it('tries again what cannot be stored, and in the end counts it', async () => {
    let failures = 3;
    const recovering = aKeeper({
      save: () => (failures-- > 0 ? Promise.reject(new Error('down')) : Promise.resolve(true)),
    });
    recovering.run(100, 100, 100);
    expect(await recovering.steps()).toEqual([100]);
    expect(recovering.keeper.status()).toMatchObject({ kept: 1, dropped: 0 });
    const down = aKeeper({ save: () => Promise.reject(new Error('down')) });
    down.run(100, 101, 100);
    expect(await down.steps()).toEqual([]);
    expect(down.keeper.status()).toEqual({ heldBytes: 0, kept: 0, dropped: 2 });
  });

  it('counts nothing for a run that is gone', async () => {
    const { run, steps, keeper } = aKeeper({ save: () => Promise.resolve(false) });
    run(100, 100, 100);
    expect(await steps()).toEqual([]);
    expect(keeper.status()).toEqual({ heldBytes: 0, kept: 0, dropped: 0 });
  });
});
