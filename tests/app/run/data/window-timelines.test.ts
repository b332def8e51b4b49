import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import { RunData } from '@/app/(dashboard)/runs/[runId]/_run/data/run-data';
import type { TimelineBuckets } from '@/app/(dashboard)/runs/[runId]/_run/data/run-reads';
import {
  isDetailOf,
  WindowTimelines,
} from '@/app/(dashboard)/runs/[runId]/_run/data/window-timelines';

const NOTHING: TimelineBuckets = { loss: [], gradientNorm: [], stabilityRatio: [], wallTime: [] };
const bucket = (fromStep: number, toStep: number) => ({
  ...{ fromStep, toStep, count: toStep - fromStep + 1, nonFiniteCount: 0 },
  ...{ min: 1, mean: 1, max: 1, last: 1 },
});

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function aReader() {
  const asked: { readonly window: StepWindow; readonly signal: AbortSignal }[] = [];
  const answers: { give(timeline: TimelineBuckets): void; fail(cause: Error): void }[] = [];
  const onRead = vi.fn();
  const onFailure = vi.fn();
  const timelines = new WindowTimelines({
    read: (window, signal) =>
      new Promise((give, fail) => {
        asked.push({ window, signal });
        answers.push({ give, fail });
      }),
    onRead,
    onFailure,
  });
  return { timelines, asked, answers, onRead, onFailure };
}

describe('the timelines of a window in motion', () => {
  it('are read once it rests, with half of its length more at either side', async () => {
    const { timelines, asked, answers, onRead } = aReader();
    timelines.want({ fromStep: 0, toStep: 99 });
    vi.advanceTimersByTime(50);
    timelines.want({ fromStep: 1000, toStep: 1099 });
    expect(asked).toEqual([]);
    vi.runAllTimers();
    expect(asked.map(({ window }) => window)).toEqual([{ fromStep: 950, toStep: 1149 }]);
    answers[0]!.give(NOTHING);
    await expect.poll(() => onRead.mock.calls.length).toBe(1);
    expect(onRead).toHaveBeenCalledWith({ fromStep: 950, toStep: 1149 }, NOTHING);
  });

  it('do not begin before the first step', () => {
    const { timelines, asked } = aReader();
    timelines.want({ fromStep: 10, toStep: 109 });
    vi.runAllTimers();
    expect(asked[0]!.window).toEqual({ fromStep: 0, toStep: 159 });
  });

  it('are given up for those of another window, whatever comes of them', async () => {
    const { timelines, asked, answers, onRead, onFailure } = aReader();
    timelines.want({ fromStep: 0, toStep: 99 });
    vi.runAllTimers();
    timelines.want({ fromStep: 500, toStep: 599 });
    expect(asked[0]!.signal.aborted).toBe(true);
    vi.runAllTimers();
    answers[0]!.fail(new Error('aborted'));
    answers[1]!.fail(new Error('the server is away'));
    await expect.poll(() => onFailure.mock.calls.length).toBe(1);
    expect(onFailure.mock.calls).toEqual([[new Error('the server is away')]]);
    expect(onRead).not.toHaveBeenCalled();
  });
});

describe('what is held of a window', () => {
  const held = (loss: TimelineBuckets['loss']) => {
    const data = new RunData(1, null, 'highest');
    data.replaceTimeline({ ...NOTHING, loss });
    return { window: { fromStep: 100, toStep: 499 }, data };
  };
  const coarse = held([bucket(100, 299), bucket(300, 499)]);
  const exact = held([bucket(100, 100), bucket(200, 200)]);

  it('answers for one that it covers and is not much wider than', () => {
    expect(isDetailOf(coarse, { fromStep: 200, toStep: 399 })).toBe(true);
    expect(isDetailOf(coarse, { fromStep: 50, toStep: 399 })).toBe(false);
    expect(isDetailOf(coarse, { fromStep: 200, toStep: 500 })).toBe(false);
    expect(isDetailOf(null, { fromStep: 200, toStep: 399 })).toBe(false);
  });

  it('answers for one far within it only where every step stands for itself', () => {
    expect(isDetailOf(coarse, { fromStep: 200, toStep: 209 })).toBe(false);
    expect(isDetailOf(exact, { fromStep: 200, toStep: 209 })).toBe(true);
  });
});
