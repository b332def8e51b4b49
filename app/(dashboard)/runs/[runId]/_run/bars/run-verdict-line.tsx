'use client';

import type { Spike } from '@/lib/contract/reads';
import type { Run } from '@/lib/contract/runs';
import type { Warning } from '@/lib/contract/warnings';
import { formatNumber, formatSetting, formatStep } from '@/lib/view/text/format-number';
import type { LayerChanges } from '@/lib/view/outlook/layer-changes';
import { newestScalar, stepsPerSecond, type LossFigures } from '@/lib/view/runs/run-figures';
import { prepareRunTitle, prepareRunVerdict, spikeInWindow } from '@/lib/view/runs/run-verdict';
import { hasAttemptEnded, recoveryWord } from '@/lib/view/spikes/recovery-words';
import { leadOfSpike } from '@/lib/view/spikes/spike-movers';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import { VerdictLine, type VerdictFact } from '@/app/_components/verdict-line';
import { colourOfMark, Mark } from '@/app/_design/marks';
import { useNow } from '@/app/_hooks/use-now';
import { useTabSign } from '@/app/_hooks/use-tab-sign';
import { statusOf } from './live-status';
import type { SessionSnapshot } from '../data/run-session';

/** An age in the sentence is told in no smaller steps. */
const AGE_MS = 5000;

/** One sentence of the run as it stands, or of the spike that is looked at; its numbers beside. */
export function RunVerdictLine({
  run,
  snapshot,
  figures,
  newestStep,
  spikes,
  warnings,
  window,
  changes,
  layerNames,
}: {
  readonly run: Run;
  readonly snapshot: SessionSnapshot;
  readonly figures: LossFigures;
  readonly newestStep: number | null;
  readonly spikes: readonly Spike[];
  readonly warnings: readonly Warning[];
  readonly window: StepWindow | null;
  /** null before they are known. */
  readonly changes: LayerChanges | null;
  readonly layerNames: readonly string[];
}) {
  const now = useNow(AGE_MS);
  const { columns } = snapshot.base;
  const speed = stepsPerSecond(columns) ?? run.stepsPerSecond;
  const verdict = prepareRunVerdict({
    status: statusOf(run, snapshot.lastFrameAtMs, now ?? 0),
    stepsPerSecond: speed,
    newestStep,
    newestLoss: figures.newest,
    isNewestLossNonFinite: figures.isNewestNonFinite,
    lastFiniteStep: figures.lastFiniteStep,
    lowestLoss: figures.lowest,
    spikes,
    attempt: run.attempt,
    warnings,
    window,
    changes,
    layerNames,
  });
  const isLoading = snapshot.phase === 'loading';
  const trouble = isLoading || window !== null ? null : verdict.mark;
  useTabSign(
    prepareRunTitle(run.name, trouble === null ? { mark: null, emphasis: null } : verdict),
    trouble,
  );
  const looked = spikeInWindow(
    spikes.filter(({ kind }) => kind === 'loss_spike'),
    window,
  );
  const isEmpty = snapshot.phase === 'ready' && newestStep === null;
  const facts = isEmpty
    ? []
    : looked !== null
      ? spikeFacts(looked, window, hasAttemptEnded(run, looked.attempt))
      : runFacts(snapshot, figures, newestStep, run.status === 'running' ? speed : undefined);
  return (
    <VerdictLine
      mark={verdict.mark === null ? null : <Mark kind={verdict.mark} size={20} />}
      emphasis={verdict.emphasis}
      {...(verdict.mark === null ? {} : { emphasisColour: colourOfMark(verdict.mark) })}
      sentence={isLoading ? 'Reading the steps of this run.' : verdict.sentence}
      detail={isLoading ? null : verdict.detail}
      facts={facts}
    />
  );
}

function runFacts(
  { base: { columns } }: SessionSnapshot,
  figures: LossFigures,
  newestStep: number | null,
  /** undefined for a run that has ended: what it once did is no speed. */
  speed: number | null | undefined,
): VerdictFact[] {
  return [
    { label: 'step', value: formatStep(newestStep) },
    {
      label: 'loss',
      value: figures.isNewestNonFinite ? (
        <span style={{ color: 'var(--divergence)' }}>NaN</span>
      ) : (
        formatNumber(figures.newest)
      ),
    },
    { label: 'grad norm', value: formatNumber(newestScalar(columns.scalar('gradient_norm'))) },
    { label: 'learning rate', value: formatSetting(newestScalar(columns.scalar('learning_rate'))) },
    ...(speed === undefined
      ? []
      : [
          speed === null
            ? { label: 'speed', value: formatNumber(speed) }
            : { label: 'speed', value: formatNumber(speed), unit: 'steps/s' },
        ]),
  ];
}

/** The key numbers of the one spike that is looked at. */
function spikeFacts(spike: Spike, window: StepWindow | null, hasEnded: boolean): VerdictFact[] {
  const lead = leadOfSpike(spike);
  return [
    ...(window === null
      ? []
      : [
          {
            label: 'window',
            value: `${formatStep(window.fromStep)}–${formatStep(window.toStep)}`,
          },
        ]),
    lead === null
      ? { label: 'lead', value: 'none' }
      : { label: 'lead', value: formatStep(lead), unit: lead === 1 ? 'step' : 'steps' },
    { label: 'class', value: recoveryWord(spike.recovery, hasEnded) },
    ...(spike.excessArea === null
      ? []
      : [{ label: 'excess area', value: formatNumber(spike.excessArea), unit: 'nats × steps' }]),
  ];
}
