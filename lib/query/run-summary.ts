import { findWorstStage } from '../contract/stages';
import type { RunSummary } from '../contract/runs';
import type { StoredRun } from '../store/runs/run-details';
import type { RunProgress } from '../store/runs/run-progress';

/** One row of the runs list. */
export function toRunSummary(run: StoredRun, progress: RunProgress): RunSummary {
  const { lastLoss } = progress;
  const isFinite = lastLoss !== null && Number.isFinite(lastLoss);
  return {
    id: run.id,
    project: run.project,
    name: run.name,
    tags: [...run.tags],
    notes: run.notes,
    pinned: run.pinned,
    status: run.status,
    createdAt: run.createdAt.toISOString(),
    lastFrameAt: progress.lastFrameAt?.toISOString() ?? null,
    finishedAt: run.finishedAt?.toISOString() ?? null,
    attempt: run.attempts.at(-1)?.attempt ?? 1,
    layerCount: run.layerCount,
    firstStep: progress.firstStep,
    lastStep: progress.lastStep,
    nextStep: progress.nextStep,
    lastLoss: isFinite ? lastLoss : null,
    isLastLossNonFinite: lastLoss !== null && !isFinite,
    stepsPerSecond: progress.stepsPerSecond,
    spikeCount: run.spikeCount,
    openSpikeCount: run.openSpikeCount,
    neverRecoveredCount: run.neverRecoveredCount,
    worstStage: findWorstStage(Object.keys(run.layersByStage)),
    findingCounts: run.findingCounts,
    openSpike: run.openSpike,
    layersByStage: run.layersByStage,
    missingStageInputs: [...run.missingStageInputs],
  };
}
