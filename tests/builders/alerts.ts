import type { AlertConditionOf } from '@/lib/contract/alert-rules';
import type { IncidentToSave } from '@/lib/store/alert-progress';

/** The loss above 6, told on the first step. */
export function aThreshold(
  over: Partial<AlertConditionOf<'threshold'>> = {},
): AlertConditionOf<'threshold'> {
  return {
    ...{ kind: 'threshold', metric: 'loss', side: 'above', limit: 6, openAfter: 1, closeAfter: 20 },
    ...over,
  };
}

/** One that opened at step 10 and is open. */
export function anIncident(over: Partial<IncidentToSave> = {}): IncidentToSave {
  return {
    ...{ opening: '10', openedStep: 10, title: 'loss 7.00 above 6 at step 10' },
    ...{ peakValue: 7, peakStep: 10, layers: [], layerCount: 0, spikeId: null, closed: null },
    ...over,
  };
}
