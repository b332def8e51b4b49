import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/contract/app-error';
import type { Frame } from '@/lib/contract/frame';
import type { Optimizer } from '@/lib/contract/runs';
import { type FrameStatisticsInput, computeFrameStatistics } from '@/lib/stats/frame-statistics';
import { type ShapesInput, computeHistogramShapes } from '@/lib/stats/histogram-shapes';
import { computeStatistics } from '@/workers/ingest/compute-statistics';
import { PreviousGradients } from '@/workers/ingest/previous-gradients';
import type { ValidFrames } from '@/workers/ingest/validate-frames';
import { aFrame } from '../../builders/frame';

function validFrames(frames: Frame[], optimizer: Optimizer = { name: 'adamw' }): ValidFrames {
  const attempt = { attempt: 1, resumeFromStep: 0, optimizer };
  return {
    run: {
      runKey: '00000000-0000-0000-0000-000000000001',
      id: 'run',
      project: 'tests',
      status: 'running',
      newestAttempt: 1,
      layerCount: 1,
      attempts: [attempt],
      parameterCounts: Float64Array.of(100),
    },
    attempt,
    layerOffset: 0,
    frames,
    rejected: [],
  };
}

function sampled(step: number, gradient: readonly number[]): Frame {
  const ones = new Float32Array(gradient.length).fill(1);
  return {
    ...aFrame(step, { layers: {}, layerCount: 1 }),
    samples: {
      sampleCount: gradient.length,
      gradient: Float32Array.from(gradient),
      firstMoment: ones,
      secondMoment: ones,
    },
  };
}

/** Statistics that are computed when the test says so. */
function heldStatistics() {
  const waiting: (() => void)[] = [];
  const inputs: FrameStatisticsInput[] = [];
  return {
    inputs,
    release: () => waiting.splice(0).forEach((go) => go()),
    checkRoom: () => undefined,
    computeShapes: (input: ShapesInput) => Promise.resolve(computeHistogramShapes(input)),
    compute: (input: FrameStatisticsInput) => {
      inputs.push(input);
      return new Promise<ReturnType<typeof computeFrameStatistics>>((resolve) => {
        waiting.push(() => resolve(computeFrameStatistics(input)));
      });
    },
  };
}

describe('computeStatistics', () => {
  it('lets frames without samples pass while others wait for their batch', async () => {
    const statistics = heldStatistics();
    const deps = { statistics, previousGradients: new PreviousGradients() };
    let isSampledDone = false;
    const withSamples = computeStatistics(deps, validFrames([sampled(1, [3, 4])])).then((done) => {
      isSampledDone = true;
      return done;
    });
    const plain = validFrames([aFrame(1, { loss: 2 })]);
    expect(await computeStatistics(deps, plain)).toBe(plain);
    expect(isSampledDone).toBe(false);
    statistics.release();
    const [frame] = (await withSamples).frames;
    expect(frame?.layerMetrics.get('gradient_norm')?.[0]).toBeCloseTo(Math.sqrt(12.5) * 10, 5);
    expect([...(frame?.histograms.keys() ?? [])]).toEqual(['ratio', 'update']);
  });

  it('compares each step of a post with the one before it, in one post too', async () => {
    const statistics = heldStatistics();
    const deps = { statistics, previousGradients: new PreviousGradients() };
    const computed = computeStatistics(
      deps,
      validFrames([sampled(1, [1, 0]), sampled(2, [-1, 0]), sampled(4, [1, 0])]),
    );
    expect(statistics.inputs.map(({ previousGradient }) => previousGradient)).toEqual([
      null,
      Float32Array.of(1, 0),
      null,
    ]);
    statistics.release();
    const cosines = (await computed).frames.map(
      ({ layerMetrics }) => layerMetrics.get('gradient_cosine')?.[0],
    );
    expect(cosines).toEqual([undefined, -1, undefined]);
  });

  it('keeps what the job posted itself', async () => {
    const statistics = heldStatistics();
    const deps = { statistics, previousGradients: new PreviousGradients() };
    const frame = sampled(1, [3, 4]);
    const posted = { ...frame, layerMetrics: new Map([['gradient_norm', Float32Array.of(7)]]) };
    const computed = computeStatistics(deps, validFrames([posted]));
    statistics.release();
    const metrics = (await computed).frames[0]?.layerMetrics;
    expect(metrics?.get('gradient_norm')).toEqual(Float32Array.of(7));
    expect(metrics?.has('gradient_rms')).toBe(true);
  });

  describe('the share of r beyond its bound', () => {
    const adam = { name: 'adamw', beta1: 0.9, beta2: 0.95 };
    const computedShare = async (frame: Frame, optimizer: Optimizer) => {
      const statistics = heldStatistics();
      const deps = { statistics, previousGradients: new PreviousGradients() };
      const computed = computeStatistics(deps, validFrames([frame], optimizer));
      statistics.release();
      const metrics = (await computed).frames[0]?.layerMetrics;
      return metrics?.get('ratio_beyond_bound_fraction')?.[0];
    };
    /** r is 1 in three coordinates and 1.2 in one. */
    const beyond: Frame = {
      ...sampled(1, [1, 1, 1, 1]),
      samples: {
        sampleCount: 4,
        gradient: new Float32Array(4).fill(1),
        firstMoment: Float32Array.of(1, 1, 1, 1.2),
        secondMoment: new Float32Array(4).fill(1),
      },
    };
    const posted: Frame = {
      ...aFrame(1, { layers: {}, layerCount: 1 }),
      histograms: new Map([
        [
          'ratio',
          {
            edges: Float32Array.of(-1.2, 0, 1.2, 3),
            counts: Uint32Array.of(6, 12, 1),
            outside: Uint32Array.of(1, 0, 0, 0),
          },
        ],
      ]),
    };

    it('is derived from samples and from posted histograms', async () => {
      expect(await computedShare(beyond, adam)).toBe(0.25);
      expect(await computedShare(posted, adam)).toBeCloseTo(0.1, 6);
      expect(await computedShare(sampled(1, [1, 1]), adam)).toBe(0);
    });

    it.each([
      ['names no betas', { name: 'adamw' }],
      ['has β1² ≥ β2', { ...adam, beta2: 0.8 }],
      ['is not Adam', { ...adam, name: 'lion' }],
    ])('is not said where the optimizer %s', async (_, optimizer) => {
      expect(await computedShare(beyond, optimizer)).toBeUndefined();
      expect(await computedShare(posted, optimizer)).toBeUndefined();
    });

    it('leaves what the job posted of it', async () => {
      const known = new Map([['ratio_beyond_bound_fraction', Float32Array.of(0.5)]]);
      expect(await computedShare({ ...posted, layerMetrics: known }, adam)).toBe(0.5);
    });
  });

  it('refuses samples while too many wait, before it remembers any of them, and nothing else', async () => {
    const statistics = {
      ...heldStatistics(),
      checkRoom: () => {
        throw new AppError('writer_saturated', 'full', { retryAfterSeconds: 1 });
      },
    };
    const deps = { statistics, previousGradients: new PreviousGradients() };
    await expect(computeStatistics(deps, validFrames([sampled(1, [1])]))).rejects.toMatchObject({
      code: 'writer_saturated',
    });
    expect(statistics.inputs).toEqual([]);
    const shard = { runKey: validFrames([]).run.runKey, attempt: 1, layerOffset: 0 };
    expect(deps.previousGradients.find(shard, 2, 1)).toBeNull();
    const plain = validFrames([aFrame(1, { loss: 2 })]);
    expect(await computeStatistics(deps, plain)).toBe(plain);
  });
});
