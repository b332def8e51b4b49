'use client';

import { useMemo, useState } from 'react';
import { runSchema, type Run } from '@/lib/contract/runs';
import {
  compareHeatmaps,
  incomparableReason,
  type Against,
  type DifferenceCells,
} from '@/lib/view/comparison/comparison';
import { fitDifferenceScale, type DifferenceScale } from '@/lib/view/comparison/difference-scale';
import { differenceKind, pairLayers } from '@/lib/view/comparison/heatmap-difference';
import type { MetricOption } from '@/lib/view/heatmap/metric-options';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';
import { useHeldColumns } from '../data/use-held-columns';

/** A heatmap held against another; `cells` is null while and where there are none. */
export interface RunComparison {
  readonly against: Against;
  /** What it is held against, as in "larger than in attempt 1". */
  readonly otherName: string;
  /** Layers of what it is held against; null until they are known. */
  readonly otherLayers: Run['layers'] | null;
  readonly cells: DifferenceCells | null;
  readonly scale: DifferenceScale;
  /** A person has set how far it reaches. */
  readonly isManual: boolean;
  /** Why there are no cells; null where there are. */
  readonly reason: string | null;
}

const EMPTY_SCALE: DifferenceScale = { kind: 'decades', reach: 1 };

/** The difference that the URL asks for; null where it asks for none. */
export function useComparison({
  run,
  option,
  against,
  reach,
  window,
  newestStep,
}: {
  readonly run: Run;
  readonly option: MetricOption | null;
  readonly against: Against | null;
  /** null: as it fits the cells. */
  readonly reach: number | null;
  readonly window: StepWindow | null;
  readonly newestStep: number;
}): RunComparison | null {
  const otherId = against?.kind === 'run' ? against.runId : null;
  const other = useApi(
    otherId === null ? null : apiPath(`/runs/${encodeURIComponent(otherId)}`),
    runSchema,
  );
  const kind = option === null ? null : differenceKind(option.scale);
  const isPerRootN = option?.isPerRootN === true;
  const metric = against === null || kind === null ? null : (option?.stored ?? null);
  const ownRead = useHeldColumns(
    metric === null ? null : { runId: run.id, metric, attempt: 'effective' },
    window,
    newestStep,
  );
  const otherRead = useHeldColumns(
    metric === null || against === null
      ? null
      : {
          runId: otherId ?? run.id,
          metric,
          attempt: against.kind === 'attempt' ? against.attempt : 'effective',
        },
    window,
    newestStep,
  );
  const otherLayers = against?.kind === 'run' ? (other.data?.layers ?? null) : run.layers;
  const otherName =
    against === null
      ? ''
      : against.kind === 'attempt'
        ? `attempt ${against.attempt}`
        : (other.data?.name ?? against.runId);

  const comparison = useMemo(() => {
    if (kind === null || ownRead.columns === null || otherRead.columns === null) return null;
    if (otherLayers === null || ownRead.columns.layerCount !== run.layerCount) return null;
    const pairing = pairLayers(run.layers, otherLayers, isPerRootN);
    return compareHeatmaps(ownRead.columns, otherRead.columns, pairing, kind, otherName);
  }, [run, kind, isPerRootN, ownRead.columns, otherRead.columns, otherLayers, otherName]);

  const fitted = useHeldScale(
    comparison?.kind === 'cells' ? comparison.cells : null,
    `${option?.key ?? ''} ${otherName}`,
  );
  const scale = useMemo(() => (reach === null ? fitted : { ...fitted, reach }), [fitted, reach]);
  if (against === null || option === null) return null;
  const failure = other.error?.message ?? otherRead.error ?? ownRead.error;
  return {
    against,
    otherName,
    otherLayers,
    cells: comparison?.kind === 'cells' ? comparison.cells : null,
    scale,
    isManual: reach !== null,
    reason:
      comparison?.kind === 'cells'
        ? null
        : (incomparableReason(option.scale) ??
          (comparison?.kind === 'none'
            ? comparison.reason
            : failure === null
              ? `Reading ${otherName}.`
              : `There is nothing to compare with: ${failure}`)),
  };
}

/** The scale that fitted first: it stands still under its viewer until something else is compared. */
function useHeldScale(cells: DifferenceCells | null, key: string): DifferenceScale {
  const [held, setHeld] = useState<{ key: string; scale: DifferenceScale } | null>(null);
  if (cells !== null && held?.key !== key) setHeld({ key, scale: fitDifferenceScale(cells) });
  return held !== null && held.key === key ? held.scale : EMPTY_SCALE;
}
