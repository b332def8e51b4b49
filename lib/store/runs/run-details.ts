/** Rows of runs with their attempts, for lists and pages of people. */
import { z } from 'zod';
import { optimizerSchema, type Optimizer, type RunStatus } from '../../contract/runs';
import { STAGE_INPUTS } from '../../contract/stages';
import type { Database } from '../database';
import { DELETING, toRunStatus } from './run-status';
import { findCurrentStages } from '../findings/stages';
import { effectiveSegments } from './trajectory';

export interface StoredAttempt {
  readonly attempt: number;
  readonly resumeFromStep: number;
  readonly optimizer: Optimizer;
  readonly createdAt: Date;
}

export interface OpenSpike {
  readonly id: string;
  readonly kind: string;
  readonly onsetStep: number;
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
  readonly layerCount: number;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  /** Ascending. */
  readonly attempts: readonly StoredAttempt[];
  readonly spikeCount: number;
  readonly openSpikeCount: number;
  /** Of these, those whose attempt has ended. */
  readonly neverRecoveredCount: number;
  /** The newest of those that are open. */
  readonly openSpike: OpenSpike | null;
  /** By kind, of all attempts. */
  readonly findingCounts: Readonly<Record<string, number>>;
  /** Of the newest attempt, now. */
  readonly layersByStage: Readonly<Record<string, number>>;
  readonly missingStageInputs: readonly string[];
}

const configSchema = z.record(z.string(), z.json());

/** What a list counts as spikes: a bad batch and an RMS that rises alone are no trouble yet. */
export const TROUBLE = ['loss_spike', 'divergence'] as const;

/** The JSON that came with a run; {} for one that does not exist. One keyed read. */
export async function findRunConfig(
  db: Database,
  runKey: string,
): Promise<z.infer<typeof configSchema>> {
  const run = await db.prisma.run.findUnique({ where: { runKey }, select: { config: true } });
  return configSchema.parse(run?.config ?? {});
}

/**
 * The runs of these keys, in the order of the keys. Keys without a run are left out, and those
 * of runs that are being removed: that may have begun since a list found them.
 */
export async function findRuns(db: Database, runKeys: readonly string[]): Promise<StoredRun[]> {
  const where = { runKey: { in: [...runKeys] } };
  const [runs, attempts, findings, openSpikes, inputs] = await Promise.all([
    // A config may be a quarter of a megabyte, and a list of five hundred asks for none.
    db.prisma.run.findMany({
      where: { ...where, status: { not: DELETING } },
      omit: { config: true, layersHash: true },
    }),
    db.prisma.attempt.findMany({ where, orderBy: { attempt: 'asc' } }),
    db.prisma.spike.groupBy({ by: ['runKey', 'kind'], where, _count: true }),
    db.prisma.spike.findMany({
      where: { ...where, kind: { in: [...TROUBLE] }, recovery: 'open' },
      select: { runKey: true, id: true, kind: true, attempt: true, onsetStep: true },
      orderBy: { onsetStep: 'asc' },
    }),
    db.prisma.metric.findMany({
      where: { ...where, kind: 'layer', name: { in: STAGE_INPUTS.flat() } },
      select: { runKey: true, name: true },
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
    // What an attempt left open when another took its place is not going on.
    const openOfRun = openSpikes.filter(
      (spike) =>
        spike.runKey === runKey &&
        trajectory.some(
          ({ attempt, fromStep, toStep }) =>
            attempt === spike.attempt && spike.onsetStep >= fromStep && spike.onsetStep <= toStep,
        ),
    );
    const newestOpen = openOfRun.at(-1);
    const findingCounts = Object.fromEntries(
      findings
        .filter((group) => group.runKey === runKey)
        .map(({ kind, _count: count }) => [kind, count]),
    );
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
        layerCount: run.layerCount,
        createdAt: run.createdAt,
        finishedAt: run.finishedAt,
        attempts: ofRun,
        spikeCount: TROUBLE.reduce((sum, kind) => sum + (findingCounts[kind] ?? 0), 0),
        openSpikeCount: openOfRun.length,
        neverRecoveredCount: openOfRun.filter(
          ({ attempt }) => run.status !== 'running' || attempt !== ofRun.at(-1)?.attempt,
        ).length,
        openSpike: newestOpen === undefined ? null : toOpenSpike(newestOpen),
        findingCounts,
        layersByStage: stages.get(runKey) ?? {},
        missingStageInputs:
          run.layerCount === 0
            ? []
            : findMissingInputs(
                new Set(inputs.filter((row) => row.runKey === runKey).map(({ name }) => name)),
                ofRun.at(-1)?.optimizer,
              ),
      },
    ];
  });
}

function toOpenSpike(row: { id: string; kind: string; onsetStep: bigint }): OpenSpike {
  return { id: row.id, kind: row.kind, onsetStep: Number(row.onsetStep) };
}

/** What a stage is read from and this run does not have, by the name of its metric or setting. */
function findMissingInputs(
  reported: ReadonlySet<string>,
  optimizer: Optimizer | undefined,
): string[] {
  const metrics = STAGE_INPUTS.filter((names) => !names.some((name) => reported.has(name)));
  return [
    ...metrics.flatMap((names) => names.slice(0, 1)),
    ...(optimizer?.beta1 === undefined ? ['beta1'] : []),
    ...(optimizer?.epsilon === undefined ? ['epsilon'] : []),
  ];
}
