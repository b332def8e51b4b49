/**
 * What detectors, a job and people leave beside the values of a run: spikes of all kinds, the
 * stages of its layers, a warning, checkpoints, a policy. As many as a troubled run has.
 */
import type { Spike } from '../../lib/contract/reads';
import type { Database } from '../../lib/store/database';
import { saveEvent } from '../../lib/store/events';
import { saveFindings } from '../../lib/store/findings/findings';
import { saveProjectPolicy } from '../../lib/store/runs/project-policy';
import { runKeyOf } from '../../lib/store/runs/run-key';

const LOSS_SPIKES = 12;
const RMS_SPIKES = 400;
const CHECKPOINT_EVERY = 100;
const STAGES = ['healthy', 'correlating', 'armed', 'healthy'] as const;

export async function loadFindings(
  db: Database,
  { id, layers, steps }: { readonly id: string; readonly layers: number; readonly steps: number },
): Promise<void> {
  const runKey = runKeyOf(id);
  const at = (index: number, of: number): number => Math.floor(((index + 1) * steps) / (of + 2));
  const spikes = [
    ...Array.from({ length: LOSS_SPIKES }, (_, index) =>
      aSpike('loss_spike', at(index, LOSS_SPIKES), layers),
    ),
    ...Array.from({ length: RMS_SPIKES }, (_, index) =>
      aSpike('rms_spike', at(index, RMS_SPIKES), layers),
    ),
    { ...aSpike('loss_spike', steps - 30, layers), recoveredStep: null, recovery: 'open' as const },
  ];
  await saveFindings(db, {
    ...{ runKey, attempt: 1, rewindTo: null, rmsSpikeSteps: [] },
    spikes: spikes.map((spike) => ({ spike, isInherited: false })),
    warnings: [
      {
        ...{ id: 'stability', attempt: 1, kind: 'curvature_beyond_limit', fromStep: steps - 60 },
        ...{ toStep: null, peakStep: steps - 40, peakValue: 1.4, learningRate: 1e-3 },
      },
    ],
    stageChanges: STAGES.flatMap((stage, index) =>
      Array.from({ length: layers }, (_, layer) => ({
        ...{ layer, step: at(index, STAGES.length) + (layer % 7), stage, label: null },
        evidence: [0.1, 0.2, 0.3],
      })),
    ),
    state: { step: steps - 1, bytes: new Uint8Array(64), watchedFromStep: 20, isConcluded: false },
  });
  for (let step = CHECKPOINT_EVERY; step < steps; step += CHECKPOINT_EVERY) {
    const event = { attempt: 1, step, kind: 'checkpoint', title: `checkpoint ${step}` } as const;
    await saveEvent(db, { runKey }, event, new Date());
  }
  await saveProjectPolicy(db, 'bench', { keepRawDays: 30, keepSamplesDays: 30 });
}

function aSpike(kind: Spike['kind'], onsetStep: number, layers: number): Spike {
  return {
    ...{ id: `1-${kind}-${onsetStep}`, attempt: 1, kind },
    ...{ onsetStep, confirmedStep: onsetStep + 2, riseStep: onsetStep, peakStep: onsetStep + 3 },
    ...{ peakValue: 6, baseline: 2, recoveredStep: onsetStep + 10, recovery: 'fast' },
    ...{ excessArea: 12, levelShift: 0, verdict: 'precursor_found' },
    firstMovers: Array.from({ length: 10 }, (_, index) => ({
      ...{ layer: (onsetStep + index) % layers, metric: 'rms', step: onsetStep - 1 },
      ...{ leadSteps: 1, z: 9 + index },
    })),
    ...{ moverCount: 10, globalMovers: [], precursorChance: 0.01, chanceSteps: 300 },
    reevaluation: null,
  };
}
