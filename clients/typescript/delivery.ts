/** Opens a run and posts what waits, acting on each outcome; the repeating is the repeater's. */
import { encodeFrames } from '../../lib/contract/encode-frames';
import { SAFETENSORS_MEDIA_TYPE } from '../../lib/contract/heatmap-columns';
import { samplesReplySchema } from '../../lib/contract/posted-samples';
import {
  type CreateEvent,
  type CreateRun,
  createRunReplySchema,
  framesReplySchema,
} from '../../lib/contract/runs';
import { Backlog } from './backlog';
import type { Batch } from './frame-queue';
import type { KeptRun } from './kept-run';
import type { Notices } from './notices';
import type { RequestRepeater } from './request-repeater';
import { type Outcome, type RequestBody, describeFailure } from './send-request';

/** A request of this size decodes in a few milliseconds and is far below the contract's 32 MiB. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Enough to catch up quickly, few enough that one reply comes soon. */
const MAX_BATCH_FRAMES = 64;

export interface Opened {
  readonly runId: string;
  readonly attempt: number;
  readonly nextStep: number;
  readonly url: string;
}

export interface Totals {
  accepted: number;
  duplicates: number;
  rejected: number;
  samplesPosted: number;
  samplesRefused: number;
}

export interface DeliveryDependencies {
  readonly repeater: RequestRepeater;
  readonly notices: Notices;
  /** Of the run; added to. */
  readonly totals: Totals;
  readonly onDrop: (count: number, kind: string, reason: string) => void;
  /** Detectors found something in frames that were posted. */
  readonly onFindings?: () => void;
}

export class Delivery {
  opened: Opened | null = null;
  /** The code by which the server took nothing more. */
  closedBy: string | null = null;
  private maxBatchFrames = MAX_BATCH_FRAMES;
  /** What `maxBatchFrames` grows back to. */
  private mostBatchFrames = MAX_BATCH_FRAMES;

  constructor(private readonly dependencies: DeliveryDependencies) {}

  /** null when the run is open, or sending was ended meanwhile; else why it never will be. */
  async open(create: CreateRun & { readonly id: string }, attempt: number | null) {
    const reply = await this.dependencies.repeater.send('/api/v1/runs', jsonBody(create));
    if (reply === null) return null;
    const parsed = reply.kind === 'done' ? createRunReplySchema.safeParse(reply.body) : null;
    if (parsed?.success !== true) {
      const why =
        reply.kind === 'done' ? 'the reply is not the contract’s' : describeFailure(reply);
      return `run ${create.id} could not be opened: ${why}`;
    }
    const { attempt: answered, nextStep, url } = parsed.data;
    this.opened = { runId: create.id, attempt: attempt ?? answered, nextStep, url };
    return null;
  }

  /** Posts the next batch. Answers why nothing will be taken any more, else null. */
  async sendNext(backlog: Backlog): Promise<string | null> {
    const { opened } = this;
    if (opened === null) return 'the run is not open';
    const limits = { maxFrames: this.maxBatchFrames, maxBytes: MAX_BATCH_BYTES };
    const batch = backlog.hold(limits);
    if (batch === null) return null;
    const outcome = await this.post(batch, opened);
    if (outcome === null) return 'sending was ended';
    // If it is the run that has ended, the next frame meets the same.
    const isOfSamples = batch.kind === 'samples';
    if (outcome.kind === 'closed' && !isOfSamples) {
      this.closedBy = outcome.code;
      return describeFailure(outcome);
    }
    if (batch.itemCount > 1 && mayPassInParts(outcome, isOfSamples)) {
      // Not settled: fewer a request, so that one bad step does not cost the others.
      this.maxBatchFrames = Math.floor(batch.itemCount / 2);
      if (outcome.kind === 'too_large') this.mostBatchFrames = this.maxBatchFrames;
      return null;
    }
    backlog.settle();
    if (outcome.kind === 'done') {
      this.maxBatchFrames = Math.min(this.mostBatchFrames, this.maxBatchFrames * 2);
    }
    if (isOfSamples) this.countSamples(outcome, batch.itemCount);
    else if (outcome.kind !== 'done') {
      this.dependencies.onDrop(batch.itemCount, outcome.code, outcome.message);
    } else if (batch.kind === 'frames') this.count(outcome.body, batch.itemCount);
    return null;
  }

  private post(batch: Batch, { runId, attempt }: Opened): Promise<Outcome | null> {
    const { repeater } = this.dependencies;
    switch (batch.kind) {
      case 'event': {
        const event: CreateEvent = { attempt, ...batch.event };
        return repeater.send(runPath(runId, '/events'), jsonBody(event));
      }
      case 'finish':
        return repeater.send(runPath(runId, '/finish'), jsonBody({ status: batch.status }));
      case 'frames':
      case 'samples': {
        const { layerOffset } = batch;
        const bytes = encodeFrames(batch.frames, {
          attempt,
          ...(layerOffset === null ? {} : { layerOffset }),
        });
        return repeater.send(runPath(runId, `/${batch.kind}`), {
          contentType: SAFETENSORS_MEDIA_TYPE,
          bytes,
        });
      }
    }
  }

  private countSamples(outcome: Outcome, itemCount: number): void {
    const { totals, notices } = this.dependencies;
    if (outcome.kind !== 'done') {
      totals.samplesRefused += itemCount;
      notices.warn(`samples ${outcome.code}`, `samples were refused: ${describeFailure(outcome)}`);
      return;
    }
    const reply = samplesReplySchema.safeParse(outcome.body);
    const rejected = reply.success ? reply.data.rejected : [];
    totals.samplesPosted += itemCount - rejected.length;
    totals.samplesRefused += rejected.length;
    for (const { step, code, message } of rejected) {
      // Near no spike after all: as is to be expected of a suspicion.
      if (code === 'outside_spikes') continue;
      notices.warn(`samples ${code}`, `samples of step ${step} were refused: ${message}`);
    }
  }

  private count(body: unknown, frameCount: number): void {
    const { totals, notices } = this.dependencies;
    const reply = framesReplySchema.safeParse(body);
    if (!reply.success) {
      totals.accepted += frameCount;
      notices.warn('reply', 'the reply to a post is not the contract’s; its steps count as stored');
      return;
    }
    if (reply.data.events.length > 0) this.dependencies.onFindings?.();
    totals.accepted += reply.data.accepted;
    totals.duplicates += reply.data.duplicates;
    totals.rejected += reply.data.rejected.length;
    for (const { step, code, message } of reply.data.rejected) {
      notices.warn(`rejected ${code}`, `step ${step} was rejected (${code}): ${message}`);
    }
  }
}

/** An old server refuses samples whole: it has no path for them. */
function mayPassInParts(outcome: Outcome, isOfSamples: boolean): boolean {
  if (outcome.kind === 'done' || outcome.kind === 'closed') return false;
  const isOld = isOfSamples && ['not_found', 'method_not_allowed'].includes(outcome.code);
  return !isOld;
}

/**
 * Delivers what another process left in `kept`, and removes it. Answers why not all of it
 * could be, null where it was; the folder then stays.
 */
export async function deliverLeftOver(
  kept: KeptRun,
  makeDelivery: () => Delivery,
): Promise<string | null> {
  try {
    const description = kept.load();
    if (description === null) return 'run.json cannot be read; it is left as it is';
    const { create, resume, sharedAttempt, attempt, url } = description;
    const drops: string[] = [];
    const backlog = new Backlog({
      maxMemoryBytes: 0,
      kept,
      monotonic: () => performance.now(),
      describe: () => undefined,
      onDrop: (count, kind, reason) => drops.push(`${count} dropped (${kind}): ${reason}`),
      onDisk: () => undefined,
    });
    const delivery = makeDelivery();
    if (attempt !== null && attempt !== undefined) {
      delivery.opened = { runId: create.id, attempt, nextStep: 0, url: url ?? '' };
    } else {
      const problem = await openLeftOver(delivery, create, resume, sharedAttempt ?? null, backlog);
      if (problem !== null) return problem;
      // The attempt is worth keeping: another process must not open one more.
      if (delivery.opened !== null) {
        kept.save({ ...description, attempt: delivery.opened.attempt, url: delivery.opened.url });
      }
    }
    while (!backlog.isEmpty) {
      const end = await delivery.sendNext(backlog);
      if (end !== null) return end;
    }
    kept.remove();
    return drops[0] ?? null;
  } catch (error) {
    return String(error);
  } finally {
    kept.giveBack();
  }
}

/** A run that has steps already was restarted: the attempt begins where what is left does. */
async function openLeftOver(
  delivery: Delivery,
  create: CreateRun & { readonly id: string },
  resume: string | number | null | undefined,
  sharedAttempt: number | null,
  backlog: Backlog,
): Promise<string | null> {
  if (typeof resume === 'number') {
    return delivery.open({ ...create, resumeFromStep: resume }, sharedAttempt);
  }
  const problem = await delivery.open(create, sharedAttempt);
  if (problem !== null || delivery.opened === null || sharedAttempt !== null) return problem;
  const first = backlog.firstStep();
  if (delivery.opened.nextStep === 0 || first === null) return null;
  return delivery.open({ ...create, resumeFromStep: first }, null);
}

export function runPath(runId: string, suffix: string): string {
  return `/api/v1/runs/${encodeURIComponent(runId)}${suffix}`;
}

export function jsonBody(value: unknown): RequestBody {
  return { contentType: 'application/json', bytes: JSON.stringify(value) };
}
