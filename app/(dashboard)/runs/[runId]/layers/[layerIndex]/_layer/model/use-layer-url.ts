'use client';

import { useMemo } from 'react';
import { parseSteps, type StepWindow } from '@/lib/view/layer/chosen-steps';
import { parseDrift, type ChosenDrift } from '@/lib/view/layer/correlated-reference';
import type { AxisKind } from '@/lib/view/layer/distribution-axis';
import type { HeightMode } from '@/lib/view/layer/reference-curve';
import { patchUrl } from '@/app/_hooks/url-store';
import { useUrlState } from '@/app/_hooks/use-url-state';

/** What is laid over the layer: one of the same run, or of another. */
export interface OtherChoice {
  /** null: the same run. */
  readonly runId: string | null;
  /** null: the layer of the same name. */
  readonly layerIndex: number | null;
}

export type OverSteps = 'ridgeline' | 'heatmap';

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
  /** ρ of the correlated reference; null: it is not drawn. */
  readonly drift: ChosenDrift | null;
  readonly overSteps: OverSteps;
  readonly other: OtherChoice | null;
  /** The whole query, to be carried to the next layer. */
  readonly query: string;
}

/** `log` has meant the signed one since links were first sent. */
const AXIS_NAMES: Readonly<Record<AxisKind, string | null>> = {
  linear: null,
  log: 'log-abs',
  'signed-log': 'log',
};

function parseAxis(text: string | null): AxisKind {
  return text === 'log' ? 'signed-log' : text === 'log-abs' ? 'log' : 'linear';
}

function parseMode(text: string | null): HeightMode {
  return text === 'counts' || text === 'cumulative' ? text : 'density';
}

function parseStep(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function parseOther(runId: string | null, layer: string | null): OtherChoice | null {
  const layerIndex = layer !== null && /^\d{1,6}$/.test(layer) ? Number(layer) : null;
  if (runId === null && layerIndex === null) return null;
  return { runId, layerIndex };
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
      axisKind: parseAxis(parameters.get('axis')),
      mode: parseMode(parameters.get('mode')),
      drift: parseDrift(parameters.get('rho')),
      overSteps: parameters.get('over') === 'heatmap' ? 'heatmap' : 'ridgeline',
      other: parseOther(parameters.get('withRun'), parameters.get('withLayer')),
      query: parameters.toString(),
    };
  }, [parameters]);
}

export function setAxisKind(kind: AxisKind): void {
  patchUrl({ axis: AXIS_NAMES[kind] });
}

export function setHeightMode(mode: HeightMode): void {
  patchUrl({ mode: mode === 'density' ? null : mode });
}

export function setDrift(drift: ChosenDrift | null): void {
  patchUrl({ rho: drift === null ? null : String(drift) });
}

export function setOverSteps(over: OverSteps): void {
  patchUrl({ over: over === 'ridgeline' ? null : over });
}

export function setOther(other: OtherChoice | null): void {
  const layer = other?.layerIndex ?? null;
  patchUrl({
    withRun: other?.runId ?? null,
    withLayer: layer === null ? null : String(layer),
  });
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
