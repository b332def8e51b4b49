import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';
import type { LiveHandlers } from '@/app/(dashboard)/runs/[runId]/_run/data/live-connection';
import type { StepRange } from '@/app/(dashboard)/runs/[runId]/_run/data/run-reads';
import { RunSession } from '@/app/(dashboard)/runs/[runId]/_run/data/run-session';
import { heatmapColumns } from '../../../lib/view/heatmap/columns-builder';

interface Read {
  readonly fromStep: number | null;
  answer(columns: HeatmapColumns): Promise<void>;
}

const { reads, unsettled, sockets } = vi.hoisted(() => ({
  reads: [] as Read[],
  /** What the steps that are known hold by now, by the first and last step that was asked for. */
  unsettled: vi.fn<(fromStep: number, toStep: number) => HeatmapColumns | null>(() => null),
  sockets: [] as LiveHandlers[],
}));

vi.mock('@/app/(dashboard)/runs/[runId]/_run/data/run-reads', () => ({
  wholeRunColumns: () => 1000,
  readHeatmap: (_runId: string, _metric: string, { fromStep, toStep }: StepRange) =>
    new Promise((resolve) => {
      if (toStep !== null) resolve(unsettled(fromStep ?? 0, toStep) ?? steps(toStep, toStep));
      else
        reads.push({
          fromStep,
          answer: async (columns) => {
            resolve(columns);
            await vi.advanceTimersByTimeAsync(0);
          },
        });
    }),
  readTimeline: () =>
    Promise.resolve({ loss: [], gradientNorm: [], stabilityRatio: [], wallTime: [] }),
}));
vi.mock('@/app/(dashboard)/runs/[runId]/_run/data/live-connection', () => ({
  LiveConnection: class {
    constructor(_runId: string, _metric: string, handlers: LiveHandlers) {
      sockets.push(handlers);
    }
    start(): void {}
    stop(): void {}
  },
}));

/** Steps from `from` to `to`, a column each. */
const steps = (from: number, to: number) =>
  heatmapColumns(
    Array.from({ length: to - from + 1 }, (_, i) => ({
      step: from + i,
      loss: 1,
      cells: [from + i],
    })),
  );

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', () => 1);
  vi.stubGlobal('cancelAnimationFrame', () => undefined);
  reads.length = 0;
  unsettled.mockReset();
  sockets.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A session that has read steps 0…9 and is subscribed to attempt 1. */
async function aSession() {
  const session = new RunSession(
    {
      runId: 'run',
      layerCount: 1,
      option: { stored: 'gradient_norm', scale: 'log' },
      level: null,
      layerFactors: null,
      shows: 'highest',
    },
    () => undefined,
    () => undefined,
  );
  const stop = session.start();
  await reads.shift()!.answer(steps(0, 9));
  const live = sockets[0]!;
  const push = (from: number, to: number, { attempt = 1, hasGap = false } = {}) => {
    live.onColumns({ columns: steps(from, to), attempt, hasGap });
  };
  const known = () => {
    const { columns } = session.getSnapshot().base;
    return Array.from(columns.toStep);
  };
  live.onSubscribed(9, 1);
  await reads.shift()!.answer(steps(10, 9));
  return { session, stop, live, push, known };
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('a session', () => {
  it('reads what was skipped, and puts what came meanwhile behind it', async () => {
    const { push, known } = await aSession();
    push(13, 14, { hasGap: true });
    push(15, 15);
    expect(reads.map(({ fromStep }) => fromStep)).toEqual([10]);
    await reads.shift()!.answer(steps(10, 14));
    expect(known()).toEqual(range(0, 15));
  });

  it('fills in what shards of the last steps posted while the connection was lost', async () => {
    const { session, live, push, known } = await aSession();
    const shard = (cells: number[]) => heatmapColumns([{ step: 9, loss: 1, cells }]);
    unsettled.mockImplementation(() => shard([99]));
    push(10, 10);
    live.onSubscribed(10, 1);
    await reads.shift()!.answer(steps(11, 10));
    expect(unsettled).toHaveBeenLastCalledWith(0, 10);
    expect(known()).toEqual(range(0, 10));
    const { columns } = session.getSnapshot().base;
    expect(columns.value(columns.columnAt(9)!, 0)).toBe(99);
  });

  it('reads again when messages were skipped while it read: that read may have come too early', async () => {
    const { push, known } = await aSession();
    push(12, 12, { hasGap: true });
    const read = reads.shift()!;
    push(15, 15, { hasGap: true });
    await read.answer(steps(10, 12));
    expect(reads.map(({ fromStep }) => fromStep)).toEqual([13]);
    push(16, 16);
    await reads.shift()!.answer(steps(13, 15));
    expect(known()).toEqual(range(0, 16));
  });

  it('reads again when the connection came back while it read', async () => {
    const { live, push, known } = await aSession();
    push(12, 12, { hasGap: true });
    const read = reads.shift()!;
    live.onSubscribed(14, 1);
    await read.answer(steps(10, 12));
    await reads.shift()!.answer(steps(13, 14));
    push(15, 15);
    expect(known()).toEqual(range(0, 15));
  });

  it('keeps what comes for the last of several reads of everything', async () => {
    const { push, known } = await aSession();
    push(5, 5, { attempt: 2 });
    push(3, 3, { attempt: 3 });
    const [second, third] = reads.splice(0);
    await second!.answer(steps(0, 5));
    push(4, 4, { attempt: 3 });
    await third!.answer(steps(0, 3));
    expect(known()).toEqual(range(0, 4));
  });

  it('keeps what comes for a new attempt while the rest of the old one is read', async () => {
    const { push, known } = await aSession();
    push(12, 12, { hasGap: true });
    const rest = reads.shift()!;
    push(3, 3, { attempt: 2 });
    await rest.answer(steps(10, 12));
    push(4, 4, { attempt: 2 });
    await reads.shift()!.answer(steps(0, 3));
    expect(known()).toEqual(range(0, 4));
  });

  it('takes nothing any more once it is stopped', async () => {
    const { push, stop, known } = await aSession();
    push(12, 12, { hasGap: true });
    stop();
    await reads.shift()!.answer(steps(10, 12));
    expect(known()).toEqual(range(0, 9));
  });
});
