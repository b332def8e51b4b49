'use client';

import { useMemo } from 'react';
import type { Spike } from '@/lib/contract/reads';
import { RunColumns } from '@/lib/view/heatmap/run-columns';
import { moverMarks, type MoverMark } from '@/lib/view/heatmap/mover-marks';
import type { StageColumns } from '@/lib/view/stages/stage-marks';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import { useHeldColumns } from '../data/use-held-columns';

/** What is marked on the cells, whatever their colours stand for. */
export type CellMark = 'stages' | 'movers';
export const CELL_MARKS: readonly CellMark[] = ['stages', 'movers'];

export interface CellMarks {
  /** null where stages are not marked, or on their way. */
  readonly stages: StageColumns | null;
  readonly movers: readonly MoverMark[];
}

const NO_MOVERS: readonly MoverMark[] = [];

/** Stages and first movers over the cells, as they are asked for. */
export function useCellMarks({
  runId,
  layerCount,
  spikes,
  hasStages,
  marks,
  window,
  newestStep,
}: {
  readonly runId: string;
  readonly layerCount: number;
  readonly spikes: readonly Spike[];
  /** The run has the metric `stage`. */
  readonly hasStages: boolean;
  readonly marks: readonly CellMark[];
  readonly window: StepWindow | null;
  readonly newestStep: number;
}): CellMarks {
  const { columns } = useHeldColumns(
    marks.includes('stages') && hasStages ? { runId, metric: 'stage', attempt: 'effective' } : null,
    window,
    newestStep,
  );
  const stages = useMemo(() => {
    if (columns === null || columns.layerCount !== layerCount) return null;
    const held = new RunColumns(layerCount);
    held.replace(columns);
    return held;
  }, [columns, layerCount]);
  const hasMovers = marks.includes('movers');
  const movers = useMemo(() => (hasMovers ? moverMarks(spikes) : NO_MOVERS), [hasMovers, spikes]);
  return useMemo(() => ({ stages, movers }), [stages, movers]);
}
