'use client';

import { useMemo } from 'react';
import {
  spikesReplySchema,
  stagesReplySchema,
  type ExplainedStage,
  type Spike,
} from '@/lib/contract/reads';
import type { StepWindow } from '@/lib/view/layer/chosen-steps';
import { refineSpike } from '@/lib/view/spikes/refined-spike';
import { apiPath, type ApiFailure } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';

/** A stage that began earlier is among them; what came before it is looked for this far back. */
const STEPS_BEFORE = 2000;
const MOST_SPIKES = 500;
/** How often spikes that came meanwhile are looked for; they move nothing. */
const SPIKES_REFRESH_MS = 10_000;

export interface LayerFindings {
  readonly stages: readonly ExplainedStage[];
  readonly isReadingStages: boolean;
  /** By their best dates, as their postmortems have them. */
  readonly spikes: readonly Spike[];
  /** Why stages or spikes are missing; null while they are not. */
  readonly error: ApiFailure | null;
  readonly stagesPath: string | null;
}

const NO_STAGES: readonly ExplainedStage[] = [];
const NO_SPIKES: readonly Spike[] = [];

/** The layer's stages in the window with the numbers behind them, and the run's spikes. */
export function useLayerFindings(
  runId: string,
  layerIndex: number,
  window: StepWindow | null,
): LayerFindings {
  const base = `/runs/${encodeURIComponent(runId)}`;
  const stagesPath =
    window === null
      ? null
      : apiPath(`${base}/stages`, {
          layer: layerIndex,
          attempt: 'effective',
          fromStep: Math.max(0, window.fromStep - STEPS_BEFORE),
          toStep: window.toStep,
        });
  const stages = useApi(stagesPath, stagesReplySchema, { keepPrevious: true });
  const spikes = useApi(
    apiPath(`${base}/spikes`, { attempt: 'effective', limit: MOST_SPIKES }),
    spikesReplySchema,
    { refreshMs: SPIKES_REFRESH_MS },
  );
  const told = spikes.data?.items;
  const refined = useMemo(() => told?.map(refineSpike), [told]);
  return {
    stages: stages.data?.items ?? NO_STAGES,
    isReadingStages: stages.isLoading,
    spikes: refined ?? NO_SPIKES,
    error: stages.error ?? (spikes.data === null ? spikes.error : null),
    stagesPath,
  };
}
