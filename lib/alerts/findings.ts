/**
 * Rules on what detectors find. A finding is known by its id and told once: its dates may
 * move after, and it may be written later than the steps that follow it are folded.
 */
import { z } from 'zod';
import type { AlertConditionOf } from '../contract/alert-rules';
import type { Spike } from '../contract/reads';
import { WARNING_WORDS } from '../contract/warnings';
import { formatNumber } from '../view/text/format-number';
import { refineSpike } from '../view/spikes/refined-spike';
import { LAYERS_NAMED } from './excursion';
import { IncidentLog, openIncidentSchema, type OpenIncident } from './incident-log';
import type { AlertFindings, AlertWarning, FoldContext, RuleFold } from './rule-fold';
import { NO_NEEDS } from './step-fold';
import { atStep } from './words';

export type FindingCondition = AlertConditionOf<'loss_spike' | 'divergence' | 'curvature'>;

const stateSchema = z.object({ open: z.array(openIncidentSchema), told: z.array(z.string()) });

/** A loss spike asks for five samples or more: none is as old as the 256th before it. */
const TOLD_KEPT = 256;

export const SPIKE_NEEDS = { ...NO_NEEDS, spikes: true } as const;
export const WARNING_NEEDS = { ...NO_NEEDS, warnings: true } as const;

/** A finding as an incident. */
interface Told {
  readonly incident: OpenIncident;
  /** What is known to be over. */
  readonly over: { readonly step: number } | null;
}

export function foldFindings(
  condition: FindingCondition,
  { startStep }: FoldContext,
  saved: unknown,
): RuleFold {
  const state = saved === null ? null : stateSchema.parse(saved);
  const log = new IncidentLog(state?.open ?? []);
  let told = state?.told ?? [];
  return {
    condition,
    observe: () => undefined,
    settle(findings) {
      for (const { incident, over } of findingsOf(condition, findings, startStep)) {
        const { opening } = incident;
        const open = log.find(opening);
        if (open === undefined && told.includes(opening)) continue;
        if (open === undefined) {
          told = [...told, opening].slice(-TOLD_KEPT);
          log.put(incident);
        } else {
          const moved = { ...incident, title: open.title, openedStep: open.openedStep };
          if (!isSame(moved, open)) log.put(moved);
        }
        if (over !== null) log.close(opening, 'recovered', over.step);
      }
    },
    closeAll: (by, step) => {
      log.closeAll(by, step);
    },
    get changed() {
      return log.changed;
    },
    get openings() {
      return log.openings;
    },
    forgetChanges: () => {
      log.forgetChanges();
    },
    save: () => ({ open: log.open, told }),
    get stateSize() {
      return 16 + told.length;
    },
  };
}

function isSame(a: OpenIncident, b: OpenIncident): boolean {
  return a.peakValue === b.peakValue && a.peakStep === b.peakStep && a.layerCount === b.layerCount;
}

function findingsOf(
  condition: FindingCondition,
  { spikes, warnings }: AlertFindings,
  startStep: number,
): Told[] {
  switch (condition.kind) {
    case 'curvature':
      return warnings
        .filter(({ toStep }) => toStep === null || toStep > startStep)
        .map(toldOfWarning);
    case 'loss_spike':
      return spikes
        .filter(
          ({ kind }) =>
            kind === 'loss_spike' || (condition.outlierBatches && kind === 'outlier_batch'),
        )
        .filter((spike) => confirmedAt(spike) > startStep)
        .map((spike) => toldOfSpike(spike, true));
    case 'divergence':
      return spikes
        .filter(({ kind }) => kind === 'divergence')
        .filter((spike) => confirmedAt(spike) > startStep)
        .map((spike) => toldOfSpike(spike, false));
  }
}

function confirmedAt({ confirmedStep, onsetStep }: Spike): number {
  return confirmedStep ?? onsetStep;
}

const KIND_WORDS = {
  loss_spike: 'loss spike',
  outlier_batch: 'outlier batch',
  divergence: 'divergence',
  rms_spike: 'RMS spike',
} as const;

function toldOfSpike(spike: Spike, closes: boolean): Told {
  const { id, kind, peakStep, peakValue, recoveredStep, firstMovers } = spike;
  // Told live there is no second look yet; tried on what is stored, the line has the postmortem's dates.
  const best = refineSpike(spike);
  const layers = [...new Set(firstMovers.map(({ layer }) => layer))].sort((a, b) => a - b);
  const height =
    best.peakValue === null
      ? kind === 'divergence'
        ? ': the loss is not finite'
        : ''
      : `: loss ${formatNumber(best.peakValue)}${best.baseline === null ? '' : ` from ${formatNumber(best.baseline)}`}`;
  return {
    incident: {
      ...{ opening: id, spikeId: id, openedStep: confirmedAt(spike) },
      title: `${KIND_WORDS[kind]} ${atStep(best.onsetStep)}${height}`,
      ...{ peakValue, peakStep, layers: layers.slice(0, LAYERS_NAMED), layerCount: layers.length },
    },
    over: closes && recoveredStep !== null ? { step: recoveredStep } : null,
  };
}

function toldOfWarning({ id, kind, fromStep, toStep, peakStep, peakValue }: AlertWarning): Told {
  const title = WARNING_WORDS[kind].title.replace(/^\w/, (letter) => letter.toLowerCase());
  return {
    incident: {
      ...{ opening: id, spikeId: null, openedStep: fromStep, peakValue, peakStep },
      title: `${title}: stability ratio ${formatNumber(peakValue)} ${atStep(peakStep)}`,
      ...{ layers: [], layerCount: 0 },
    },
    over: toStep === null ? null : { step: toStep },
  };
}
