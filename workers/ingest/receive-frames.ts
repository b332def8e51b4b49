/**
 * The steps of the data's way, in order. The reply leaves after Postgres has committed;
 * viewers are told after that, and never waited for. Detectors look at what was committed,
 * before the reply; what they find is written behind it (docs/decisions/009).
 */
import { AppError } from '../../lib/contract/app-error';
import type { Frame, FrameRequest, RejectedStep } from '../../lib/contract/frame';
import type { FramesReply } from '../../lib/contract/runs';
import { RATIO_EXCESS_METRIC } from '../../lib/contract/standard-metrics';
import { frameContentHash } from '../../lib/store/writing/content-hash';
import { toPostedMeasures } from '../../lib/store/writing/posted-measures';
import type { FrameOutcome, FrameWriter } from '../../lib/store/writing/frame-writer';
import type { AlertsClient } from '../alerts/alerts-client';
import type { CompactionClient } from '../compaction/compaction-client';
import type { CommittedFrame } from '../publish/live-room';
import type { Publisher } from '../publish/publisher';
import { type StatisticsDependencies, computeStatistics } from './compute-statistics';
import { deriveScalars } from './derive-scalars';
import type { Detection } from './detect/detection';
import type { FindingMessage } from './detect/step-findings';
import type { StepPart } from './detect/step-feed';
import type { IngestMetrics } from './ingest-metrics';
import type { RunCache } from './run-cache';
import type { SampleKeeper } from './samples/sample-keeper';
import { type ValidFrames, validateFrames } from './validate-frames';

export interface ReceiveDependencies extends StatisticsDependencies {
  readonly runs: RunCache;
  readonly writer: FrameWriter;
  readonly publisher: Pick<Publisher, 'publishFrames'>;
  readonly samples: SampleKeeper;
  readonly compaction: Pick<CompactionClient, 'noteStored'>;
  readonly alerts: Pick<AlertsClient, 'noteStored'>;
  readonly detection: Detection;
  readonly metrics: IngestMetrics;
}

/** Throws AppError with the codes of `validateFrames`, `run_not_found` and those of the writer. */
export async function receiveFrames(
  deps: ReceiveDependencies,
  runId: string,
  request: FrameRequest,
): Promise<FramesReply> {
  deps.writer.checkOpen();
  const run = await deps.runs.find(runId);
  const valid = validateFrames(request, run);
  const computed = deriveScalars(await computeStatistics(deps, valid));
  if (computed.frames.length > 0) await deps.detection.prepare(computed);
  const outcomes = await store(deps, valid, computed);
  publish(deps, computed, outcomes);
  compact(deps, computed, outcomes);
  if (outcomes.includes('stored')) {
    deps.alerts.noteStored({ runKey: run.runKey, attempt: computed.attempt.attempt });
  }
  keepSamples(deps, computed, outcomes);
  const found = detect(deps, computed, outcomes);
  const reply = count(deps, computed, outcomes, found);
  const { ignored = [] } = request;
  if (ignored.length === 0) return reply;
  deps.metrics.countIgnoredFields(ignored.length);
  return { ...reply, ignored: [...ignored] };
}

/**
 * A step is known again by what was posted: what we computed of it may depend on the step
 * before, which a worker that restarted has not seen.
 */
async function store(
  deps: ReceiveDependencies,
  posted: ValidFrames,
  computed: ValidFrames,
): Promise<FrameOutcome[]> {
  const { run, attempt, layerOffset, frames } = computed;
  if (frames.length === 0) return [];
  return deps.writer.write(
    frames.map((frame, index) => {
      const asPosted = posted.frames[index] ?? frame;
      return {
        runKey: run.runKey,
        attempt: attempt.attempt,
        layerOffset,
        frame,
        contentHash: frameContentHash(asPosted),
        postedMeasures: toPostedMeasures(asPosted.layerMetrics),
      };
    }),
  );
}

/** Tells what became hot; it is moved into blocks behind the reply. */
function compact(
  deps: ReceiveDependencies,
  { run, attempt, frames }: ValidFrames,
  outcomes: readonly FrameOutcome[],
): void {
  const stored = frames.filter((_, index) => outcomes[index] === 'stored');
  deps.compaction.noteStored(
    { runKey: run.runKey, attempt: attempt.attempt },
    stored.map(({ step, layerMetrics, layerCount }) => ({
      step,
      sizeBytes: layerMetrics.size * layerCount * Float32Array.BYTES_PER_ELEMENT,
    })),
  );
}

/** Before the detectors look: what they find may ask for the samples of this very step. */
function keepSamples(
  deps: ReceiveDependencies,
  { run, attempt, layerOffset, frames }: ValidFrames,
  outcomes: readonly FrameOutcome[],
): void {
  frames.forEach((frame, index) => {
    const outcome = outcomes[index];
    if (outcome !== 'stored' && outcome !== 'duplicate') return;
    deps.samples.offer({ runKey: run.runKey, attempt: attempt.attempt, layerOffset, frame });
  });
}

function detect(
  deps: ReceiveDependencies,
  { run, attempt, layerOffset, frames }: ValidFrames,
  outcomes: readonly FrameOutcome[],
): FindingMessage[] {
  const posts = frames.flatMap((frame, index) => {
    const outcome = outcomes[index];
    if (outcome !== 'stored' && outcome !== 'duplicate') return [];
    return [{ part: toPart(frame, layerOffset), isNew: outcome === 'stored' }];
  });
  return posts.length === 0 ? [] : deps.detection.observe({ run, attempt }, posts);
}

function toPart(frame: Frame, layerOffset: number): StepPart {
  const { step, scalars, layerCount, layerMetrics } = frame;
  const hasLayers = layerMetrics.size > 0 || frame.histograms.size > 0 || frame.samples !== null;
  return { step, scalars, layerOffset, layerCount, layerMetrics, hasLayers };
}

function publish(
  deps: ReceiveDependencies,
  { run, attempt, layerOffset, frames }: ValidFrames,
  outcomes: readonly FrameOutcome[],
): void {
  const committed: CommittedFrame[] = [];
  frames.forEach((frame, index) => {
    if (outcomes[index] === 'stored') {
      committed.push({ attempt: attempt.attempt, layerOffset, frame });
    }
  });
  deps.publisher.publishFrames(run.id, committed);
}

function count(
  deps: ReceiveDependencies,
  { layerOffset, frames, rejected: alreadyRejected }: ValidFrames,
  outcomes: readonly FrameOutcome[],
  found: readonly FindingMessage[],
): FramesReply {
  const rejected: RejectedStep[] = [...alreadyRejected];
  let accepted = 0;
  let duplicates = 0;
  let datapoints = 0;
  let corruptRatioLayers = 0;
  const faults: AppError[] = [];
  frames.forEach((frame, index) => {
    const outcome = outcomes[index];
    if (outcome === 'stored') {
      accepted++;
      datapoints += frame.layerMetrics.size * frame.layerCount;
      corruptRatioLayers += countCorruptLayers(frame);
    } else if (outcome === 'duplicate') duplicates++;
    else if (outcome instanceof AppError) {
      faults.push(outcome);
      rejected.push({ step: frame.step, code: outcome.code, message: outcome.message });
    } else if (outcome === 'overlap') {
      rejected.push({
        step: frame.step,
        code: 'layers_overlap',
        message: `step ${frame.step} is stored with some of the layers from ${layerOffset} to ${layerOffset + frame.layerCount - 1} in a post of another layer_offset; the first stands`,
      });
    } else {
      rejected.push({
        step: frame.step,
        code: 'step_conflict',
        message: `step ${frame.step} is stored with other content; a restarted job opens a new attempt with resumeFromStep`,
      });
    }
  });
  const [firstFault] = faults;
  if (firstFault !== undefined && faults.length === frames.length) throw firstFault;
  rejected.sort((a, b) => a.step - b.step);
  deps.metrics.countFrames({
    accepted,
    duplicates,
    rejected,
    datapoints,
    corruptRatioLayers,
  });
  return { accepted, duplicates, rejected, events: found.map((message) => ({ ...message })) };
}

/** Layers of a frame that hold an |r| which Adam's betas do not allow; the step stands. */
function countCorruptLayers({ layerMetrics }: Frame): number {
  let count = 0;
  for (const share of layerMetrics.get(RATIO_EXCESS_METRIC) ?? []) if (share > 0) count++;
  return count;
}
