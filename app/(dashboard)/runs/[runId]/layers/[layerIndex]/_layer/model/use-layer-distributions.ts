'use client';

import { useState } from 'react';
import { distributionsReplySchema, type DistributionsReply } from '@/lib/contract/reads';
import { prepareStepWindow, type StepWindow } from '@/lib/view/layer/chosen-steps';
import { apiPath, type ApiFailure } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';

/** A window holds 49 reports; a URL may ask for a wider one, within reason. */
const MOST_REPORTS = 400;

export interface LayerDistributions {
  readonly status: 'loading' | 'none' | 'failed' | 'ready';
  readonly window: StepWindow | null;
  readonly reply: DistributionsReply | null;
  /** What is selected in the reply: the wish's, or while it is read the one before. */
  readonly step: number | null;
  readonly steps: readonly number[];
  readonly error: ApiFailure | null;
  readonly retry: () => void;
}

export interface DistributionsWish {
  readonly runId: string;
  readonly layerIndex: number;
  /** null: nothing was ever reported. */
  readonly wantedStep: number | null;
  /** All chosen steps; empty: the wanted one with its neighbours. */
  readonly wantedSteps: readonly number[];
  readonly firstStep: number;
  readonly lastStep: number;
  /** The window that the URL holds; null: the one around the wanted step. */
  readonly window: StepWindow | null;
}

interface Shown {
  readonly step: number | null;
  readonly steps: readonly number[];
  readonly reply: DistributionsReply;
  readonly window: StepWindow;
}

/**
 * The distributions around a step. A window in the URL is one read; where there is none,
 * or nothing in it, three: the newest report at or before the step, the one before it,
 * whose distance is the cadence of reports, and then the window around it.
 */
export function useLayerDistributions(wish: DistributionsWish): LayerDistributions {
  const { runId, layerIndex, wantedStep, wantedSteps, firstStep, lastStep } = wish;
  const base = `/runs/${encodeURIComponent(runId)}/layers/${layerIndex}/distributions`;
  const at = (step: number) => apiPath(base, { step });
  const within = ({ fromStep, toStep }: StepWindow) =>
    apiPath(base, { fromStep, toStep, limit: MOST_REPORTS });

  const held = useRead(wish.window === null ? null : within(wish.window));
  const isHeldUseful = held.data !== null && held.data.items.length > 0;
  const isHeldPending = wish.window !== null && held.data === null && held.error === null;
  const needsAnchor = !isHeldUseful && !isHeldPending && wantedStep !== null;

  const anchor = useRead(needsAnchor ? at(wantedStep) : null);
  const anchorStep = anchor.data?.items.at(-1)?.step ?? null;
  const needsCadence = anchorStep !== null && anchorStep > firstStep;
  const before = useRead(needsCadence ? at(anchorStep - 1) : null);
  const beforeStep = before.data?.items.at(-1)?.step ?? null;
  const isCadenceKnown = !needsCadence || before.data !== null || before.error !== null;
  // Without a report before it there is no cadence to know: every step is the safe guess.
  const cadence =
    anchorStep === null || beforeStep === null ? 1 : Math.max(1, anchorStep - beforeStep);
  const around =
    anchorStep === null || !isCadenceKnown
      ? null
      : prepareStepWindow(anchorStep, cadence, firstStep, lastStep);
  const range = useRead(around === null ? null : within(around));

  const isAbsent = wantedStep === null || anchor.error?.code === 'distribution_not_found';
  const reply = isHeldUseful ? held.data : range.data;
  const error = anchor.error ?? range.error ?? held.error;
  const window = isHeldUseful ? wish.window : around;
  // Which of the reads is asked changes with what is chosen: what was there stays between.
  const [shown, setShown] = useState<Shown | null>(null);
  if (
    reply !== null &&
    window !== null &&
    (shown?.reply !== reply ||
      shown.step !== wantedStep ||
      shown.steps !== wantedSteps ||
      shown.window.fromStep !== window.fromStep ||
      shown.window.toStep !== window.toStep)
  )
    setShown({ reply, window, step: wantedStep, steps: wantedSteps });
  const status =
    reply !== null
      ? 'ready'
      : isAbsent
        ? 'none'
        : error !== null && !anchor.isLoading
          ? 'failed'
          : 'loading';
  const isHeldOver = status === 'loading' && shown !== null;
  const isElsewhere =
    isHeldOver &&
    wantedStep !== null &&
    (wantedStep < shown.window.fromStep || wantedStep > shown.window.toStep);
  return {
    status: isHeldOver ? 'ready' : status,
    window: isHeldOver ? shown.window : window,
    reply: isHeldOver ? shown.reply : reply,
    step: isElsewhere ? shown.step : wantedStep,
    steps: isElsewhere ? shown.steps : wantedSteps,
    error,
    retry: () => {
      held.retry();
      anchor.retry();
      range.retry();
    },
  };
}

/** What was there stays until the new reply has come: a page never empties under its reader. */
function useRead(path: string | null) {
  return useApi(path, distributionsReplySchema, { keepPrevious: true });
}
