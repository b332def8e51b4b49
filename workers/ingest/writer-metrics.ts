import type { Registry } from 'prom-client';
import type { FrameWriter } from '../../lib/store/writing/frame-writer';
import { metricsOnRead } from './metrics-on-read';

/** What the writer of frames says of itself to Prometheus. */
export function observeWriter(registry: Registry, writer: Pick<FrameWriter, 'status'>): void {
  const { gauge, counter } = metricsOnRead(registry, 'spikescope_ingest_writer_', () =>
    writer.status(),
  );
  gauge('queued_bytes', 'Bytes waiting for a commit', ({ queuedBytes }) => queuedBytes);
  gauge('queued_frames', 'Frames waiting for a commit', ({ queuedFrames }) => queuedFrames);
  gauge(
    'lag_seconds',
    'Age of the oldest frame waiting',
    ({ oldestQueuedMs }) => oldestQueuedMs / 1000,
  );
  gauge('outage', '1 while the database takes no writes and posts are answered 503', (status) =>
    status.outage === null ? 0 : 1,
  );
  counter('commits', 'Batches committed', ({ committedBatches }) => committedBatches);
  counter('commit_seconds', 'Time that they took', ({ commitMs }) => commitMs / 1000);
  counter('retries', 'Batches tried again', ({ retriedBatches }) => retriedBatches);
  counter(
    'rest_seconds',
    'Time rested between batches for compaction to catch up',
    ({ restMs }) => restMs / 1000,
  );
}
