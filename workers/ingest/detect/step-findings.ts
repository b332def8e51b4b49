/** What detectors found on a step, as the store keeps it and as people are told of it. */
import type { LiveEvent } from '../../../lib/contract/live';
import type { Spike } from '../../../lib/contract/reads';
import { classifyRecovery } from '../../../lib/detect/loss-event';
import type { RmsSpikeUpdate } from '../../../lib/detect/rms-spikes';
import type { LossReport, StepFindings } from '../../../lib/detect/run-detector';
import type { StageChange } from '../../../lib/detect/stage-machine';

export interface FindingsOfStep {
  readonly spikes: readonly Spike[];
  readonly stageChanges: readonly StageChange[];
  /** Bounded: one a spike and one a stage, however many layers changed. */
  readonly messages: readonly FindingMessage[];
}

/** `id` names the spike; a stage change has none. */
export type FindingMessage = Omit<LiveEvent, 'runId'> & { readonly id: string | null };

const KIND_WORDS = {
  loss_spike: 'Loss spike',
  outlier_batch: 'Outlier batch',
  divergence: 'Divergence',
  rms_spike: 'RMS spike',
} as const;

/** The attempt that a spike belongs to: an event may outlast the attempt that it began in. */
export type AttemptOfStep = (step: number) => number;

export function toFindings(
  step: number,
  findings: StepFindings,
  attempt: number,
  attemptOf: AttemptOfStep,
): FindingsOfStep {
  const spikes: Spike[] = [];
  const messages: FindingMessage[] = [];
  const add = (spike: Spike, phase: string): void => {
    spikes.push(spike);
    const message = messageOf(spike, phase, step, attempt);
    if (message !== null) messages.push(message);
  };
  for (const report of findings.loss) add(toLossSpike(report, attemptOf), report.phase);
  for (const update of findings.rmsSpikes) add(toRmsSpike(update, attemptOf), update.phase);
  messages.push(...stageMessages(findings.stages, step, attempt));
  return { spikes, stageChanges: findings.stages, messages };
}

/** The earliest warning there is, told once. */
export function candidateMessage(step: number, attempt: number): FindingMessage {
  const title = `The loss stands out at step ${step}; not confirmed yet`;
  return { id: null, kind: 'spike_opened', step, attempt, title };
}

function toLossSpike({ event, precursor }: LossReport, attemptOf: AttemptOfStep): Spike {
  const attempt = attemptOf(event.openedStep);
  return {
    id: `${attempt}-${event.kind}-${event.openedStep}`,
    attempt,
    kind: event.kind,
    onsetStep: event.onsetStep,
    confirmedStep: event.confirmedStep,
    peakStep: event.peakStep,
    peakValue: event.peakValue,
    baseline: event.baseline,
    recoveredStep: event.recoveredStep,
    recovery: event.recovery,
    firstMovers: [...precursor.firstMovers],
    verdict: precursor.verdict,
  };
}

function toRmsSpike({ event }: RmsSpikeUpdate, attemptOf: AttemptOfStep): Spike {
  const { onsetStep, recoveredStep } = event;
  const attempt = attemptOf(onsetStep);
  return {
    id: `${attempt}-rms_spike-${onsetStep}`,
    attempt,
    kind: 'rms_spike',
    onsetStep,
    confirmedStep: onsetStep,
    peakStep: event.peakStep,
    peakValue: Number.isFinite(event.peakValue) ? event.peakValue : null,
    baseline: event.baseline,
    recoveredStep,
    recovery: recoveredStep === null ? 'open' : classifyRecovery(onsetStep, recoveredStep),
    firstMovers: [...event.layers],
    // Nobody has looked for what moves before an RMS spike.
    verdict: 'insufficient_data',
  };
}

function messageOf(
  spike: Spike,
  phase: string,
  step: number,
  attempt: number,
): FindingMessage | null {
  const { id, kind, onsetStep, recovery } = spike;
  const name = `${KIND_WORDS[kind]} at step ${onsetStep}`;
  switch (phase) {
    case 'opened':
      return {
        id,
        kind: 'spike_confirmed',
        step,
        attempt,
        title: `${name}${moversOf(spike)}`,
      };
    case 'closed': {
      const isOver = spike.recoveredStep !== null;
      return {
        id,
        kind: 'spike_recovered',
        step,
        attempt,
        title: isOver ? `${name}: recovered (${recovery})` : `${name}: not recovered (${recovery})`,
      };
    }
    default:
      return null;
  }
}

function moversOf({ firstMovers, kind }: Spike): string {
  const count = firstMovers.length;
  const layers = `${count} layer${count === 1 ? '' : 's'}`;
  if (count === 0) return '';
  if (kind === 'rms_spike') return ` in ${layers}`;
  const lead = firstMovers[0]?.leadSteps ?? 0;
  if (lead === 0) return `: ${layers} moved with it`;
  return `: ${layers} moved, the first ${lead} step${lead === 1 ? '' : 's'} before`;
}

function stageMessages(
  changes: readonly StageChange[],
  step: number,
  attempt: number,
): FindingMessage[] {
  const counts = new Map<string, number>();
  for (const { stage, label } of changes) {
    const name = label === null ? stage : `${stage} (${label})`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Array.from(counts, ([name, count]) => ({
    id: null,
    kind: 'stage_change',
    step,
    attempt,
    title: `${count} layer${count === 1 ? '' : 's'}: ${name.replaceAll('_', ' ')}`,
  }));
}
