import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import type { FrameWriterStatus } from '@/lib/store/writing/frame-writer';
import { NO_PROGRESS } from '@/workers/compaction/compaction-client';
import { observeCompaction } from '@/workers/ingest/compaction-metrics';
import { observeWriter } from '@/workers/ingest/writer-metrics';

async function samplesOf(registry: Registry): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => /^[a-z]/.test(line));
  return Object.fromEntries(lines.map((line) => [line.split(' ')[0]!, Number(line.split(' ')[1])]));
}

it('tells of the writer how long it waits, commits and rests, as of when it is asked', async () => {
  let status: FrameWriterStatus = {
    ...{ outage: null, queuedFrames: 3, queuedBytes: 4096, oldestQueuedMs: 2500 },
    ...{ committedFrames: 64, committedBatches: 4, commitMs: 80, restMs: 0 },
    ...{ retriedBatches: 1, refusedWrites: 0 },
  };
  const registry = new Registry();
  observeWriter(registry, { status: () => status });
  const writer = 'spikescope_ingest_writer_';
  expect(await samplesOf(registry)).toEqual({
    [`${writer}queued_bytes`]: 4096,
    [`${writer}queued_frames`]: 3,
    [`${writer}lag_seconds`]: 2.5,
    [`${writer}outage`]: 0,
    [`${writer}commits_total`]: 4,
    [`${writer}commit_seconds_total`]: 0.08,
    [`${writer}retries_total`]: 1,
    [`${writer}rest_seconds_total`]: 0,
  });
  status = { ...status, outage: 'the database cannot be reached', restMs: 1500 };
  expect(await samplesOf(registry)).toMatchObject({
    [`${writer}outage`]: 1,
    [`${writer}rest_seconds_total`]: 1.5,
    [`${writer}commits_total`]: 4,
  });
});

it('tells of compaction what makes the writer rest, beside all that is hot', async () => {
  const registry = new Registry();
  const state = { isRunning: true, restarts: 0, stalledMs: 0, downMs: 0 };
  observeCompaction(registry, {
    status: () => ({ ...NO_PROGRESS, ...state, hotBytes: 3e9, waitingBytes: 2e9 }),
  });
  expect(await samplesOf(registry)).toMatchObject({
    spikescope_compaction_hot_bytes: 3e9,
    spikescope_compaction_waiting_bytes: 2e9,
    spikescope_compaction_running: 1,
  });
});
