import type { ExplainedStage } from '../../contract/reads';
import { formatStep } from '../text/format-number';
import { stageLabel } from '../stages/stage-label';
import { stepToX, type TraceWindow } from '../timelines/trace';

export interface StageSegment {
  readonly stage: string;
  /** null for what has no letter: too little data, diverged. */
  readonly letter: string | null;
  /** 0 to 1 along the window. */
  readonly from: number;
  readonly to: number;
  /** "Update collapsed, steps 297–316, stale v". */
  readonly title: string;
}

/**
 * The stages of one layer over the window; labels that change within a stage do not part
 * it. A step reaches half-way to its neighbours.
 *
 * Empty  no segment where no stage was told
 */
export function prepareStageStrip(
  intervals: readonly ExplainedStage[],
  window: TraceWindow,
): readonly StageSegment[] {
  const merged: { stage: string; fromStep: number; toStep: number; labels: Set<string> }[] = [];
  for (const { stage, label, fromStep, toStep } of [...intervals].sort(
    (a, b) => a.fromStep - b.fromStep,
  )) {
    const from = Math.max(fromStep, window.fromStep);
    const to = Math.min(toStep ?? window.toStep, window.toStep);
    if (to < from) continue;
    const last = merged.at(-1);
    if (last !== undefined && last.stage === stage && from <= last.toStep + 1) {
      last.toStep = Math.max(last.toStep, to);
      if (label !== null) last.labels.add(label.replaceAll('_', ' '));
    } else {
      const labels = new Set(label === null ? [] : [label.replaceAll('_', ' ')]);
      merged.push({ stage, fromStep: from, toStep: to, labels });
    }
  }
  const place = (step: number): number => Math.min(1, Math.max(0, stepToX(window, step)));
  return merged.map(({ stage, fromStep, toStep, labels }) => ({
    stage,
    letter: stageLabel(stage).letter,
    from: place(fromStep - 0.5),
    to: place(toStep + 0.5),
    title: [
      stageLabel(stage).word,
      `steps ${formatStep(fromStep)}–${formatStep(toStep)}`,
      ...labels,
    ].join(', '),
  }));
}
