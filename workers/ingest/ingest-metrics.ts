import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { RejectedStep } from '../../lib/contract/frame';
import type { FrameWriter } from '../../lib/store/writing/frame-writer';
import type { BodyBudget } from '../http/read-body';
import type { StatisticsClient } from '../accelerator/statistics-client';
import type { Publisher } from '../publish/publisher';
import type { Detection } from './detect/detection';
import type { JobRunner } from './jobs/job-runner';
import { metricsOnRead } from './metrics-on-read';
import type { SampleKeeper } from './samples/sample-keeper';
import { observeWriter } from './writer-metrics';

const PREFIX = 'spikescope_ingest_';

/** What the worker says of itself to Prometheus. */
export class IngestMetrics {
  readonly registry = new Registry();
  private readonly frames = new Counter({
    name: 'spikescope_ingest_frames_total',
    help: 'Frames by outcome: accepted, duplicate, rejected',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  private readonly rejectedSteps = new Counter({
    name: 'spikescope_ingest_rejected_steps_total',
    help: 'Rejected frames by the code that their post was told',
    labelNames: ['code'],
    registers: [this.registry],
  });
  private readonly datapoints = new Counter({
    name: 'spikescope_ingest_datapoints_total',
    help: 'Stored values, one a metric, layer and step',
    registers: [this.registry],
  });
  private readonly corruptRatioLayers = new Counter({
    name: 'spikescope_ingest_corrupt_ratio_layers_total',
    help: 'Layers of stored frames with an |r| beyond the bound of Adam with the betas of their run',
    registers: [this.registry],
  });
  private readonly ignoredFields = new Counter({
    name: 'spikescope_ingest_ignored_fields_total',
    help: 'Fields of JSON posts that are no part of the contract, counted once a request',
    registers: [this.registry],
  });
  private readonly requests = new Counter({
    name: 'spikescope_ingest_requests_total',
    help: 'Requests by status',
    labelNames: ['status'],
    registers: [this.registry],
  });
  private readonly acknowledgement = new Histogram({
    name: 'spikescope_ingest_acknowledgement_seconds',
    help: 'From the first byte of a post of frames to its reply',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: PREFIX });
    for (const outcome of ['accepted', 'duplicate', 'rejected']) this.frames.inc({ outcome }, 0);
  }

  /** What is read whenever Prometheus asks. */
  observe(
    writer: FrameWriter,
    publisher: Publisher,
    budget: BodyBudget,
    statistics: Pick<StatisticsClient, 'status'>,
    detection: Detection,
    jobs: JobRunner,
    samples: SampleKeeper,
  ): void {
    observeWriter(this.registry, writer);
    this.observeLive(publisher);
    this.observeDetection(detection);
    metricsOnRead(this.registry, PREFIX, () => budget).gauge(
      'body_bytes_held',
      'Bytes of request bodies being read',
      ({ heldBytes }) => heldBytes,
    );
    this.observeStatistics(statistics);
    this.observeJobs(jobs);
    this.observeSamples(samples);
  }

  private observeLive(publisher: Publisher): void {
    const { gauge } = metricsOnRead(this.registry, PREFIX, () => publisher.status());
    gauge('viewers', 'Open live connections', ({ viewers }) => viewers);
    gauge(
      'live_skipped_messages',
      'Messages not sent to slow viewers',
      ({ skippedMessages }) => skippedMessages,
    );
  }

  private observeDetection(detection: Detection): void {
    const { gauge } = metricsOnRead(this.registry, PREFIX, () => detection.status());
    gauge(
      'detected_attempts',
      'Attempts whose detectors are in memory',
      ({ attempts }) => attempts,
    );
    gauge(
      'detection_late_posts',
      'Posts that came after detection had gone past their step',
      ({ latePosts }) => latePosts,
    );
    gauge(
      'detection_passed_gaps',
      'Steps that detection went past without a step or a shard before them',
      ({ passedGaps }) => passedGaps,
    );
    gauge(
      'detection_failures',
      'Times that detection started again from the store',
      ({ failures }) => failures,
    );
    gauge(
      'detection_failed_writes',
      'Writes of findings that failed and were left to the next',
      ({ failedWrites }) => failedWrites,
    );
  }

  private observeSamples(samples: SampleKeeper): void {
    metricsOnRead(this.registry, PREFIX, () => samples.status()).gauge(
      'sample_bytes_held',
      'Bytes of raw samples held in case that a spike follows, and of those being written',
      ({ heldBytes }) => heldBytes,
    );
    new Counter({
      name: 'spikescope_ingest_sample_posts_total',
      help: 'Posts of raw samples near a spike by outcome: kept; dropped for want of room before a spike was looked for, or of a database',
      labelNames: ['outcome'],
      registers: [this.registry],
      collect() {
        const { kept, dropped } = samples.status();
        this.reset();
        this.inc({ outcome: 'kept' }, kept);
        this.inc({ outcome: 'dropped' }, dropped);
      },
    });
  }

  private observeJobs(jobs: JobRunner): void {
    const { gauge } = metricsOnRead(this.registry, PREFIX, () => jobs.status());
    gauge('jobs_waiting', 'Batch jobs that wait for their turn', ({ queued }) => queued);
    gauge('jobs_running', 'Batch jobs at work, 0 or 1', ({ isRunning }) => +isRunning);
    new Counter({
      name: 'spikescope_ingest_jobs_ended_total',
      help: 'Batch jobs that ended, by how: finished, failed or cancelled',
      labelNames: ['status'],
      registers: [this.registry],
      collect() {
        const { finished, failed, cancelled } = jobs.status();
        this.reset();
        this.inc({ status: 'finished' }, finished);
        this.inc({ status: 'failed' }, failed);
        this.inc({ status: 'cancelled' }, cancelled);
      },
    });
  }

  private observeStatistics(statistics: Pick<StatisticsClient, 'status'>): void {
    new Gauge({
      name: 'spikescope_ingest_statistics_backend_info',
      help: 'What computes statistics of raw samples: tensorflow, webgpu or cpu',
      labelNames: ['backend'],
      registers: [this.registry],
      collect() {
        const { backend } = statistics.status();
        this.reset();
        if (backend !== null) this.set({ backend }, 1);
      },
    });
    new Gauge({
      name: 'spikescope_ingest_statistics_shapes_backend_info',
      help: 'What measures the shapes of histograms of raw samples: the backend, or cpu where the single pass was faster at start',
      labelNames: ['backend'],
      registers: [this.registry],
      collect() {
        const { shapesBackend } = statistics.status();
        this.reset();
        if (shapesBackend !== null) this.set({ backend: shapesBackend }, 1);
      },
    });
    const { gauge, counter } = metricsOnRead(this.registry, `${PREFIX}statistics_`, () =>
      statistics.status(),
    );
    gauge(
      'queued_bytes',
      'Bytes of raw samples waiting for their statistics',
      ({ queuedBytes }) => queuedBytes,
    );
    counter(
      'fallbacks',
      'Times that a backend failed or its thread died, and the single pass took over',
      ({ fallbackCount }) => fallbackCount,
    );
    counter(
      'batches',
      'Calls of the statistics thread for frames; those that come together share one on an accelerator',
      ({ batchCount }) => batchCount,
    );
    counter(
      'host_rows',
      'Layers of a frame that an accelerator left to the single pass',
      ({ hostRowCount }) => hostRowCount,
    );
  }

  countFrames(counts: {
    readonly accepted: number;
    readonly duplicates: number;
    readonly rejected: readonly RejectedStep[];
    readonly datapoints: number;
    readonly corruptRatioLayers: number;
  }): void {
    this.frames.inc({ outcome: 'accepted' }, counts.accepted);
    this.frames.inc({ outcome: 'duplicate' }, counts.duplicates);
    this.frames.inc({ outcome: 'rejected' }, counts.rejected.length);
    for (const { code } of counts.rejected) this.rejectedSteps.inc({ code });
    this.datapoints.inc(counts.datapoints);
    this.corruptRatioLayers.inc(counts.corruptRatioLayers);
  }

  countIgnoredFields(count: number): void {
    this.ignoredFields.inc(count);
  }

  countRequest(status: number): void {
    this.requests.inc({ status: `${status}` });
  }

  observeAcknowledgement(seconds: number): void {
    this.acknowledgement.observe(seconds);
  }
}
