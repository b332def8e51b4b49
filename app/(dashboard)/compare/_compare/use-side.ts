'use client';

import { useMemo } from 'react';
import {
  seriesReplySchema,
  spikesReplySchema,
  stagesReplySchema,
  timelineReplySchema,
  type Bucket,
  type Spike,
} from '@/lib/contract/reads';
import { runSchema, type Run } from '@/lib/contract/runs';
import type { AlignedCourse, AlignedWindow } from '@/lib/view/comparison/aligned-comparison';
import type { ComparedSide } from '@/lib/view/comparison/compared-sides';
import { spikeAt, type NamedSide } from '@/lib/view/comparison/compared-findings';
import { shortLayerNames } from '@/lib/view/axes/layer-names';
import { refineSpike } from '@/lib/view/spikes/refined-spike';
import { apiPath, type ApiFailure } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';

/** A bucket a step, for all windows that are offered. */
const POINTS = 2200;

export interface SideData extends NamedSide {
  readonly side: ComparedSide;
  readonly run: Run;
  /** Loss events of its attempt by onset, to be aligned at. */
  readonly spikes: readonly Spike[];
  readonly loss: readonly Bucket[];
  readonly gradientNorm: readonly Bucket[];
  /** Of the chosen layer; none where it has no such layer. */
  readonly layer: AlignedCourse['points'];
  /** The reads behind it. */
  readonly paths: readonly string[];
}

export interface SideResult {
  readonly data: SideData | null;
  readonly error: ApiFailure | null;
  readonly retry: () => void;
}

/** Everything that is drawn of one side, by reads of one attempt over the window around its step. */
export function useSide(
  side: ComparedSide | null,
  { before, after }: AlignedWindow,
  layerName: string | null,
  metric: string,
): SideResult {
  const base = side === null ? null : `/runs/${encodeURIComponent(side.runId)}`;
  const attempt = side?.attempt ?? 1;
  const range = {
    fromStep: Math.max(0, (side?.step ?? 0) - before),
    toStep: (side?.step ?? 0) + after,
  };
  const pathOf = (path: string, query: Readonly<Record<string, string | number>>): string | null =>
    base === null ? null : apiPath(`${base}${path}`, { attempt, ...query });
  const timelinePath = pathOf('/timeline', {
    ...{ series: 'loss,gradient_norm', points: POINTS },
    ...range,
  });
  const run = useApi(base === null ? null : apiPath(base), runSchema);
  const timeline = useApi(timelinePath, timelineReplySchema, { keepPrevious: true });
  const spikes = useApi(pathOf('/spikes', {}), spikesReplySchema);
  const stages = useApi(
    pathOf('/stages', { fromStep: side?.step ?? 0, toStep: side?.step ?? 0 }),
    stagesReplySchema,
    {
      keepPrevious: true,
    },
  );
  const layerNames = useMemo(
    () => shortLayerNames(run.data?.layers.map(({ name }) => name) ?? []),
    [run.data],
  );
  const index = layerName === null ? -1 : layerNames.indexOf(layerName);
  const layerPath =
    index === -1 ? null : pathOf(`/layers/${index}/series`, { metric, points: POINTS, ...range });
  const layer = useApi(layerPath, seriesReplySchema, { keepPrevious: true });
  const reads = [run, timeline, spikes, stages];
  const error = reads.find((read) => read.error !== null)?.error ?? null;
  const retry = () => reads.forEach((read) => read.retry());
  if (
    side === null ||
    run.data === null ||
    timeline.data === null ||
    spikes.data === null ||
    stages.data === null
  ) {
    return { data: null, error, retry };
  }
  const seriesOf = (name: string): readonly Bucket[] =>
    timeline.data?.series.find((series) => series.name === name)?.points ?? [];
  return {
    data: {
      ...{ side, run: run.data, layerNames, step: side.step },
      parameterCounts: run.data.layers.map(({ parameterCount }) => parameterCount),
      spike: spikeAt(spikes.data.items, side.attempt, side.step),
      spikes: spikes.data.items.filter(({ kind }) => kind !== 'rms_spike').map(refineSpike),
      stages: stages.data.items,
      loss: seriesOf('loss'),
      gradientNorm: seriesOf('gradient_norm'),
      layer:
        layerPath === null
          ? []
          : (layer.data?.points ?? (layer.error === null ? 'reading' : 'failed')),
      paths: [timelinePath, layerPath].filter((path) => path !== null),
    },
    error,
    retry,
  };
}
