import type { RunSummary } from '@/lib/contract/runs';

/** A run as the list gets it: live, two seconds before noon of 22 November 2026. */
export function aRun(over: Partial<RunSummary> = {}): RunSummary {
  return {
    id: 'run-1',
    project: 'char-lm',
    name: 'run-1',
    tags: [],
    notes: '',
    pinned: false,
    status: 'running',
    createdAt: '2026-11-22T10:00:00.000Z',
    lastFrameAt: '2026-11-22T11:59:58.000Z',
    finishedAt: null,
    attempt: 1,
    layerCount: 69,
    firstStep: 1,
    lastStep: 560,
    nextStep: 561,
    lastLoss: 0.148,
    isLastLossNonFinite: false,
    stepsPerSecond: 7.5,
    spikeCount: 0,
    openSpikeCount: 0,
    neverRecoveredCount: 0,
    worstStage: null,
    findingCounts: {},
    openSpike: null,
    layersByStage: {},
    missingStageInputs: [],
    ...over,
  };
}
