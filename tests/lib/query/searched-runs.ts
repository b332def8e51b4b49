/** Runs with spikes and stages by a seed, and the answers to questions about them, told one by one. */
import type { Spike } from '@/lib/contract/reads';
import type { Optimizer } from '@/lib/contract/runs';
import type { SpikeSearch } from '@/lib/contract/spike-search';
import { createRun } from '@/lib/store/runs/create-run';
import type { Database } from '@/lib/store/database';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { refineSpike } from '@/lib/view/spikes/refined-spike';
import { seededRandom } from '@/tests/seeded-random';

export interface SearchedLayer {
  readonly name: string;
  readonly kind?: string;
  readonly parameterCount: number;
}
export interface SearchedStage {
  readonly layer: number;
  readonly stage: string;
  readonly fromStep: number;
  readonly toStep: number | null;
}
export interface SearchedAttempt {
  readonly attempt: number;
  readonly optimizer: Optimizer;
  readonly firstStep: number;
  readonly lastStep: number;
  readonly spikes: readonly Spike[];
  readonly stages: readonly SearchedStage[];
}
export interface SearchedRun {
  readonly id: string;
  readonly project: string;
  readonly config: Record<string, string | number | Record<string, number>>;
  readonly layers: readonly SearchedLayer[];
  readonly attempts: readonly SearchedAttempt[];
  readonly status: 'running' | 'finished';
}

const LAYERS: readonly SearchedLayer[] = [
  { name: 'transformer.wte.weight', kind: 'embedding', parameterCount: 1 },
  { name: 'transformer.h.0.mlp.weight', kind: 'mlp', parameterCount: 1 },
  { name: 'lm_head.weight', parameterCount: 1 },
];
const STAGES = ['healthy', 'armed', 'trigger', 'explosion'] as const;

/** Of a dozen runs; sizes, settings, dates and movers differ, some have no spike at all. */
export function someRuns(seed: number, count = 12): SearchedRun[] {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const one = <T>(values: readonly T[]): T => values[below(values.length)]!;
  return Array.from({ length: count }, (_, index): SearchedRun => {
    const scale = one([33, 1000, 3000, 1_000_000]);
    return {
      id: `run-${String(index).padStart(2, '0')}`,
      status: index % 3 === 0 ? 'finished' : 'running',
      project: one(['alpha', 'beta']),
      config: {
        dataset: one(['c4', 'pile']),
        'flat.key': below(3),
        schedule: { warmup: one([10, 100, 2000]) },
      },
      layers: LAYERS.map((layer, at) => ({ ...layer, parameterCount: scale * (at + 1) })),
      attempts: Array.from({ length: 1 + below(2) }, (_unused, at): SearchedAttempt => {
        const firstStep = at * 500;
        const lastStep = firstStep + 1000 + below(2000);
        const stageEnd = firstStep + 200 + below(500);
        return {
          attempt: at + 1,
          optimizer: {
            name: one(['adamw', 'adam']),
            beta1: 0.9,
            beta2: one([0.95, 0.99, 0.999]),
            ...(random() < 0.8 ? { epsilon: one([1e-8, 1e-5]) } : {}),
          },
          firstStep,
          lastStep,
          spikes: Array.from({ length: below(6) }, (_none, place) =>
            aRandomSpike(at + 1, firstStep + 50 + place * 150 + below(90), random),
          ),
          stages: LAYERS.flatMap((_layer, layer): SearchedStage[] => [
            { layer, stage: 'healthy', fromStep: firstStep, toStep: stageEnd + layer },
            { layer, stage: one(STAGES), fromStep: stageEnd + layer + 1, toStep: null },
          ]),
        };
      }),
    };
  });
}

function aRandomSpike(attempt: number, onsetStep: number, random: () => number): Spike {
  const below = (limit: number) => Math.floor(random() * limit);
  const one = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const kind = one(['loss_spike', 'loss_spike', 'outlier_batch', 'divergence'] as const);
  const riseStep = onsetStep - below(3);
  const recovery = one(['fast', 'slow', 'unrecovered', 'open'] as const);
  const movers = Array.from({ length: below(4) }, () => {
    const leadSteps = below(11);
    const step = riseStep - leadSteps;
    return {
      layer: below(3),
      metric: one(['rms', 'gradient_norm']),
      step,
      leadSteps,
      z: below(20),
    };
  }).sort((a, b) => a.step - b.step);
  const moved = onsetStep - 1 - below(3);
  return {
    ...{ id: `${attempt}-${kind}-${onsetStep}`, attempt, kind, onsetStep, riseStep, recovery },
    ...{ confirmedStep: onsetStep + 1, peakStep: onsetStep + 2, peakValue: 5, baseline: 2 },
    recoveredStep: recovery === 'fast' || recovery === 'slow' ? onsetStep + 5 + below(80) : null,
    ...{ excessArea: 1, levelShift: 0, moverCount: movers.length, firstMovers: movers },
    globalMovers: [],
    verdict: movers.length > 0 ? 'precursor_found' : one(['no_precursor', 'insufficient_data']),
    ...{ precursorChance: 0.1, chanceSteps: 300 },
    reevaluation:
      random() < 0.4
        ? {
            standsOut: random() < 0.5,
            ...{ onsetStep: moved + 1, riseStep: moved, peakStep: moved + 4, peakValue: 6 },
            ...{ baseline: 2.1, recovery: 'partial', excessArea: 2, levelShift: null },
            ...{ samplesBefore: 128, samplesAfter: 128 },
          }
        : null,
  };
}

/** When a step was, by the job's clock. */
export const wallTimeOf = (step: number): number => Date.UTC(2026, 0, 1) / 1000 + step * 60;

/** The first and last step of each attempt and those of its spikes, which is all that is asked. */
export async function storeSearchedRuns(db: Database, runs: readonly SearchedRun[]): Promise<void> {
  for (const [index, run] of runs.entries()) {
    const runKey = runKeyOf(run.id);
    for (const { attempt, optimizer, firstStep } of run.attempts) {
      const { id, project, config } = run;
      const layers = run.layers.map((layer) => ({ ...layer }));
      await createRun(db, {
        ...{ id, project, config, layers, optimizer },
        ...(attempt === 1 ? {} : { resumeFromStep: firstStep }),
      });
      await storeAttempt(db, runKey, run.attempts[attempt - 1]!);
    }
    // One after the other, so that "newest first" says something.
    await db.pool.query(`UPDATE run SET created_at = $2, status = $3 WHERE run = $1`, [
      runKey,
      new Date(Date.UTC(2026, 0, 1) + index * 3_600_000),
      run.status,
    ]);
  }
}

async function storeAttempt(
  db: Database,
  runKey: string,
  { attempt, firstStep, lastStep, spikes, stages }: SearchedAttempt,
): Promise<void> {
  const steps = [...new Set([firstStep, lastStep, ...spikes.map(({ onsetStep }) => onsetStep)])];
  await db.pool.query(
    `INSERT INTO step (run, attempt, step, wall_time, scalar_ids, scalar_values)
     SELECT $1, $2, * , '{}', '{}' FROM unnest($3::bigint[], $4::float8[])`,
    [runKey, attempt, steps, steps.map(wallTimeOf)],
  );
  await db.prisma.spike.createMany({
    data: spikes.map(({ reevaluation, ...spike }) => ({
      ...spike,
      runKey,
      onsetStep: BigInt(spike.onsetStep),
      confirmedStep: BigInt(spike.confirmedStep!),
      riseStep: BigInt(spike.riseStep!),
      peakStep: BigInt(spike.peakStep!),
      recoveredStep: spike.recoveredStep === null ? null : BigInt(spike.recoveredStep),
      chanceSteps: 300n,
      ...(reevaluation === null ? {} : { reevaluation }),
    })),
  });
  await db.prisma.stageInterval.createMany({
    data: stages.map(({ fromStep, toStep, ...stage }) => ({
      ...{ ...stage, runKey, attempt, label: null, fromStep: BigInt(fromStep) },
      toStep: toStep === null ? null : BigInt(toStep),
    })),
  });
}

export interface Told {
  readonly run: SearchedRun;
  readonly attempt: SearchedAttempt;
  readonly spike: Spike;
  readonly lead: number | null;
  readonly moverName: string | null;
  readonly lostSteps: number;
}

/** As `recovery` is asked for: what was open when its attempt ended never recovered. */
export const endingOf = (run: SearchedRun, { attempt, recovery }: Spike) =>
  recovery === 'open' && (run.status === 'finished' || attempt < run.attempts.length)
    ? 'never_recovered'
    : recovery;

export const sizeOf = ({ layers }: SearchedRun): number =>
  layers.reduce((sum, { parameterCount }) => sum + parameterCount, 0);

type Filter = (run: SearchedRun, attempt: SearchedAttempt) => boolean;

/** Attempts that a question is put to, and the spikes that it finds, newest run first. */
export function tellSpikes(
  runs: readonly SearchedRun[],
  query: Pick<SpikeSearch, 'kind' | 'minLead' | 'recovery' | 'stage' | 'verdict'>,
  isAsked: Filter,
  isLayer: ((name: string) => boolean) | null,
): { readonly asked: (readonly [SearchedRun, SearchedAttempt])[]; readonly found: Told[] } {
  const asked = runs
    .toReversed()
    .flatMap((run) => run.attempts.map((attempt) => [run, attempt] as const))
    .filter(([run, attempt]) => isAsked(run, attempt));
  const found = asked.flatMap(([run, attempt]) =>
    attempt.spikes.flatMap((told): Told[] => {
      const spike = refineSpike(told);
      const { minLead, recovery, stage, verdict } = query;
      if (!query.kind.includes(spike.kind)) return [];
      if (recovery?.includes(endingOf(run, spike)) === false) return [];
      if (verdict?.includes(spike.verdict) === false) return [];
      const rise = spike.riseStep!;
      const isSmall = ({ layer }: { readonly layer: number }) =>
        run.layers[layer]!.parameterCount < 1000 ? 1 : 0;
      const movers = spike.firstMovers
        .filter(({ layer, step }) => step <= rise && (isLayer?.(run.layers[layer]!.name) ?? true))
        .sort((a, b) => a.step - b.step || isSmall(a) - isSmall(b) || (b.z ?? 0) - (a.z ?? 0));
      const [mover] = movers;
      const lead = mover === undefined ? null : rise - mover.step;
      if ((isLayer !== null || minLead !== undefined) && (lead ?? -1) < (minLead ?? 0)) return [];
      const stood = attempt.stages.filter(
        ({ fromStep, toStep }) =>
          fromStep <= spike.onsetStep && (toStep ?? Infinity) >= spike.onsetStep,
      );
      const isInStage = (name: string) => (stage ?? []).some((wanted) => wanted === name);
      if (stage !== undefined && !stood.some((interval) => isInStage(interval.stage))) return [];
      const end = spike.recoveredStep ?? attempt.lastStep;
      return [
        {
          ...{ run, attempt, spike, lead },
          moverName: mover === undefined ? null : run.layers[mover.layer]!.name,
          lostSteps: Math.max(0, end - spike.onsetStep),
        },
      ];
    }),
  );
  return {
    asked,
    found: found.sort(
      (a, b) =>
        (a.run.id < b.run.id ? 1 : a.run.id > b.run.id ? -1 : 0) ||
        a.spike.onsetStep - b.spike.onsetStep ||
        (a.spike.id < b.spike.id ? -1 : 1),
    ),
  };
}

export function tellCounts(
  asked: readonly (readonly [SearchedRun, SearchedAttempt])[],
  found: readonly Told[],
) {
  const steps = asked.reduce(
    (sum, [, { firstStep, lastStep }]) => sum + lastStep - firstStep + 1,
    0,
  );
  const leads = found.flatMap(({ lead }) => lead ?? []).sort((a, b) => a - b);
  const middle = (leads.length - 1) / 2;
  const judged = found.filter(({ spike }) => spike.verdict !== 'insufficient_data');
  return {
    spikeCount: found.length,
    spikeRunCount: new Set(found.map(({ run }) => run.id)).size,
    runCount: new Set(asked.map(([run]) => run.id)).size,
    attemptCount: asked.length,
    steps,
    spikesPer10kSteps: steps === 0 ? null : (found.length / steps) * 10_000,
    medianLead:
      leads.length === 0 ? null : (leads[Math.floor(middle)]! + leads[Math.ceil(middle)]!) / 2,
    leadCount: leads.length,
    precursorCount: judged.filter(({ spike }) => spike.verdict === 'precursor_found').length,
    judgedCount: judged.length,
    lostSteps: found.reduce((sum, told) => sum + told.lostSteps, 0),
  };
}
