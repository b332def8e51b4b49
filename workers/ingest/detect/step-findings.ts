/** What detectors found on a step, as the store keeps it and as people are told of it. */
import type { LiveEvent } from '../../../lib/contract/live';
import type { Spike } from '../../../lib/contract/reads';
import type { Warning } from '../../../lib/contract/warnings';
import type { LossReport, StepFindings } from '../../../lib/detect/run-detector';
import type { StageChange } from '../../../lib/detect/stage-machine';
import { spikeOfLoss, spikeOfRms } from '../../../lib/detect/to-spike';
import { toWarning } from '../../../lib/detect/to-warning';
import type { SpikeToSave } from '../../../lib/store/findings/save-spikes';

export interface FindingsOfStep {
  readonly spikes: readonly SpikeToSave[];
  readonly warnings: readonly Warning[];
  readonly stageChanges: readonly StageChange[];
  /** Bounded: one a spike and one a stage, however many layers changed. */
  readonly messages: readonly FindingMessage[];
}

/** `id` names the spike; a stage change has none. */
export type FindingMessage = Omit<LiveEvent, 'runId' | 'id'> & { readonly id: string | null };

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
  const spikes: SpikeToSave[] = [];
  const messages: FindingMessage[] = [];
  const add = (spike: Spike, phase: string, isInherited = false): void => {
    spikes.push({ spike, isInherited });
    const message = messageOf(spike, phase, step, attempt);
    if (message !== null) messages.push(message);
  };
  for (const report of findings.loss) {
    const { openedStep, isInherited } = report.event;
    add(spikeOfLoss(report, attemptOf(openedStep)), report.phase, isInherited);
  }
  for (const report of findings.rmsSpikes) {
    add(spikeOfRms(report, attemptOf(report.event.onsetStep)), report.phase);
  }
  const warnings = (findings.curvature?.warnings ?? []).map((update) => {
    const warning = toWarning(update, attemptOf(update.warning.fromStep));
    if (update.phase !== 'updated') messages.push(warningMessage(warning, step, attempt));
    return warning;
  });
  messages.push(...stageMessages(findings.stages, step, attempt));
  return { spikes, warnings, stageChanges: findings.stages, messages };
}

/** What the end of a run makes known. */
export function toConclusions(
  reports: readonly LossReport[],
  step: number,
  attempt: number,
  attemptOf: AttemptOfStep,
): FindingsOfStep {
  const nothing = { rmsSpikes: [], rmsStarting: [], stages: [], stageColumn: null };
  const findings = { ...nothing, loss: reports, curvature: null, isCandidateOpen: false };
  return toFindings(step, findings, attempt, attemptOf);
}

function warningMessage(
  { id, title, toStep, peakValue }: Warning,
  step: number,
  attempt: number,
): FindingMessage {
  const isOver = toStep !== null;
  return {
    id,
    kind: isOver ? 'warning_closed' : 'warning_opened',
    step,
    attempt,
    title: isOver ? `${title}: over` : `${title}: stability ratio ${peakValue.toPrecision(3)}`,
  };
}

/** The earliest warning there is, told once. */
export function candidateMessage(step: number, attempt: number): FindingMessage {
  const title = `The loss stands out at step ${step}; not confirmed yet`;
  return { id: null, kind: 'spike_opened', step, attempt, title };
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
    case 'reevaluated':
      return {
        id,
        kind: 'spike_reevaluated',
        step,
        attempt,
        title: `${name}: dated and measured again`,
      };
    default:
      return null;
  }
}

function moversOf({ firstMovers, globalMovers, moverCount, kind }: Spike): string {
  const count = moverCount ?? firstMovers.length;
  const layers = `${count} layer${count === 1 ? '' : 's'}`;
  if (kind === 'rms_spike') return ` in ${layers}`;
  const lead = firstMovers[0]?.leadSteps ?? 0;
  const globalLead = globalMovers[0]?.leadSteps ?? 0;
  if (lead === 0 && globalLead > 0) {
    return `: the gradient norm moved ${inSteps(globalLead)} before, no layer did`;
  }
  if (count === 0) return '';
  if (lead === 0) return `: ${layers} moved with it`;
  return `: ${layers} moved, the first ${inSteps(lead)} before`;
}

function inSteps(count: number): string {
  return `${count} step${count === 1 ? '' : 's'}`;
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
