'use client';

import { useMemo } from 'react';
import { parseSteps, type StepWindow } from '@/lib/view/chosen-steps';
import type { AxisKind } from '@/lib/view/distribution-axis';
import type { HeightMode } from '@/lib/view/distribution-panel';
import { patchUrl } from '@/app/_hooks/url-store';
import { useUrlState } from '@/app/_hooks/use-url-state';

/** What of the view stands in the URL, so that a link shows a colleague the same. */
export interface LayerUrl {
  /** The selected step; null: the newest. */
  readonly step: number | null;
  /** All chosen steps; empty: the selected one with its neighbours. */
  readonly steps: readonly number[];
  /** Present once someone has moved something: from then on it stays where it is. */
  readonly window: StepWindow | null;
  readonly axisKind: AxisKind;
  readonly mode: HeightMode;
  /** The whole query, to be carried to the next layer. */
  readonly query: string;
}

function parseStep(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

export function useLayerUrl(): LayerUrl {
  const [parameters] = useUrlState();
  return useMemo(() => {
    const fromStep = parseStep(parameters.get('from'));
    const toStep = parseStep(parameters.get('to'));
    return {
      step: parseStep(parameters.get('step')),
      steps: parseSteps(parameters.get('steps')),
      window:
        fromStep === null || toStep === null || toStep < fromStep ? null : { fromStep, toStep },
      axisKind: parameters.get('axis') === 'log' ? 'signed-log' : 'linear',
      mode: parameters.get('mode') === 'counts' ? 'counts' : 'density',
      query: parameters.toString(),
    };
  }, [parameters]);
}

export function setAxisKind(kind: AxisKind): void {
  patchUrl({ axis: kind === 'linear' ? null : 'log' });
}

export function setHeightMode(mode: HeightMode): void {
  patchUrl({ mode: mode === 'density' ? null : mode });
}

/** Writes what was chosen; steps or window null: their defaults around the step. */
export function chooseInUrl(choice: {
  readonly step: number;
  readonly steps: readonly number[] | null;
  readonly window: StepWindow | null;
}): void {
  patchUrl({
    step: String(choice.step),
    steps: choice.steps === null ? null : choice.steps.join(','),
    from: choice.window === null ? null : String(choice.window.fromStep),
    to: choice.window === null ? null : String(choice.window.toStep),
  });
}
