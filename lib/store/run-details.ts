/** Rows of runs with their attempts, for lists and pages of people. */
import { z } from 'zod';
import { optimizerSchema, type Optimizer, type RunStatus } from '../contract/runs';
import type { Database } from './database';
import { toRunStatus } from './run-status';
import { findCurrentStages } from './stages';
import { effectiveSegments } from './trajectory';

export interface StoredAttempt {
  readonly attempt: number;
  readonly resumeFromStep: number;
  readonly optimizer: Optimizer;
  readonly createdAt: Date;
}

export interface StoredRun {
  readonly runKey: string;
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly notes: string;
  readonly pinned: boolean;
  readonly status: RunStatus;
  readonly config: Readonly<Record<string, z.core.util.JSONType>>;
  readonly layerCount: number;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  /** Ascending. */
  readonly attempts: readonly StoredAttempt[];
  readonly spikeCount: number;
  readonly openSpikeCount: number;
  /** Those that layers of the newest attempt are in, each once. */
  readonly stages: readonly string[];
}

const configSchema = z.record(z.string(), z.json());

/** What a list counts as spikes: a bad batch and an RMS that rises alone are no trouble yet. */
const isTrouble = { kind: { in: ['loss_spike', 'divergence'] } };

/** The runs of these keys, in the order of the keys; keys without a run are left out. */
export async function findRuns(db: Database, runKeys: readonly string[]): Promise<StoredRun[]> {
  const where = { runKey: { in: [...runKeys] } };
  const [runs, attempts, spikes, openSpikes] = await Promise.all([
    db.prisma.run.findMany({ where }),
    db.prisma.attempt.findMany({ where, orderBy: { attempt: 'asc' } }),
    db.prisma.spike.groupBy({ by: ['runKey'], where: { ...where, ...isTrouble }, _count: true }),
    db.prisma.spike.findMany({
      where: { ...where, ...isTrouble, recovery: 'open' },
      select: { runKey: true, attempt: true, onsetStep: true },
    }),
  ]);
  // Attempts ascend, so the last of a run is its newest.
  const newest = new Map(attempts.map(({ runKey, attempt }) => [runKey, attempt]));
  const stages = await findCurrentStages(db, newest);
  const byKey = new Map(runs.map((run) => [run.runKey, run]));
  return runKeys.flatMap((runKey) => {
    const run = byKey.get(runKey);
    if (run === undefined) return [];
    const ofRun = attempts
      .filter((row) => row.runKey === runKey)
      .map(({ attempt, resumeFromStep, optimizer, createdAt }) => ({
        attempt,
        resumeFromStep: Number(resumeFromStep),
        optimizer: optimizerSchema.parse(optimizer),
        createdAt,
      }));
    const trajectory = effectiveSegments(ofRun);
    return [
      {
        runKey,
        id: run.id,
        project: run.project,
        name: run.name,
        tags: run.tags,
        notes: run.notes,
        pinned: run.pinned,
        status: toRunStatus(run.status),
        config: configSchema.parse(run.config),
        layerCount: run.layerCount,
        createdAt: run.createdAt,
        finishedAt: run.finishedAt,
        attempts: ofRun,
        spikeCount: spikes.find((group) => group.runKey === runKey)?._count ?? 0,
        // What an attempt left open when another took its place is not going on.
        openSpikeCount: openSpikes.filter(
          (spike) =>
            spike.runKey === runKey &&
            trajectory.some(
              ({ attempt, fromStep, toStep }) =>
                attempt === spike.attempt &&
                spike.onsetStep >= fromStep &&
                spike.onsetStep <= toStep,
            ),
        ).length,
        stages: stages.get(runKey) ?? [],
      },
    ];
  });
}
