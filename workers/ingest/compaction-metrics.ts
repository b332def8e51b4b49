import type { Registry } from 'prom-client';
import type { CompactionClient } from '../compaction/compaction-client';
import { metricsOnRead } from './metrics-on-read';

/** What compaction says of itself to Prometheus. */
export function observeCompaction(
  registry: Registry,
  compaction: Pick<CompactionClient, 'status'>,
): void {
  const { gauge, counter } = metricsOnRead(registry, 'spikescope_compaction_', () =>
    compaction.status(),
  );
  gauge('running', '1 while the thread looks after the store', ({ isRunning }) => +isRunning);
  gauge('hot_frames', 'Posts that are not in blocks yet', ({ hotRows }) => hotRows);
  gauge('hot_bytes', 'Bytes of their values', ({ hotBytes }) => hotBytes);
  gauge(
    'lag_steps',
    'The largest distance of an attempt from its steps in blocks to its newest',
    ({ lagSteps }) => lagSteps,
  );
  gauge(
    'waiting_attempts',
    'Attempts that could be compacted further',
    ({ waitingAttempts }) => waitingAttempts,
  );
  gauge(
    'waiting_bytes',
    'Hot bytes of these attempts; above 1 GiB the writer rests between commits',
    ({ waitingBytes }) => waitingBytes,
  );
  gauge(
    'stalled_seconds',
    'How long attempts have waited without any being compacted',
    ({ stalledMs }) => stalledMs / 1000,
  );
  counter('frames', 'Posts moved into blocks', ({ compactedRows }) => compactedRows);
  counter('blocks', 'Blocks written', ({ blocks }) => blocks);
  counter('rollup_rows', 'Rollup rows written', ({ rollups }) => rollups);
  counter(
    'rounded_blocks',
    'Blocks of old steps that were rounded',
    ({ roundedBlocks }) => roundedBlocks,
  );
  counter(
    'released_rows',
    'Stored rows that the policies of projects let go',
    ({ releasedRows }) => releasedRows,
  );
  counter('released_bytes', 'Bytes of these rows', ({ releasedBytes }) => releasedBytes);
  counter('transactions', 'Units of work committed', ({ units }) => units);
  counter('seconds', 'Time spent on units of work', ({ busySeconds }) => busySeconds);
  counter('failures', 'Units of work that failed and were tried again', ({ failures }) => failures);
  counter('thread_restarts', 'Times that the thread died', ({ restarts }) => restarts);
}
