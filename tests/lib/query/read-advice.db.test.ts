import { expect, it } from 'vitest';
import type { Spike, StageInterval } from '@/lib/contract/reads';
import { STAGE_NAMES } from '@/lib/contract/stages';
import { composeAdvice } from '@/lib/postmortem/advice/compose-advice';
import { lastQuietStep } from '@/lib/postmortem/facts';
import { readAdvice } from '@/lib/query/read-advice';
import { eventsQuery, saveEvent } from '@/lib/store/events';
import { saveFindings } from '@/lib/store/findings/findings';
import { findSpike } from '@/lib/store/findings/spikes';
import { findStageIntervals } from '@/lib/store/findings/stages';
import { findReadableRun } from '@/lib/store/reading/readable-run';
import { createRun } from '@/lib/store/runs/create-run';
import { findLayers } from '@/lib/store/runs/layers';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { selectSegments } from '@/lib/store/runs/trajectory';
import { aRun } from '@/tests/builders/run';
import { aSpike } from '@/tests/builders/spike';
import { useDatabase } from '@/tests/database';
import { seededRandom } from '@/tests/seeded-random';

const database = useDatabase();
const LAYERS = 6;
const NEWEST_STEP = 640;
const RESUMED_AT = 500;
/** What leads to a spike more often than the rest. */
const STAGES = [
  ...STAGE_NAMES,
  ...Array<'armed' | 'trigger'>(5).fill('armed'),
  ...Array<'trigger'>(5).fill('trigger'),
];
const optimizer = { name: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-6 };

/** Findings as a troubled run leaves them, in two attempts; the ids of its spikes. */
async function saveRandomFindings(id: string, random: () => number): Promise<readonly string[]> {
  const whole = (limit: number): number => Math.floor(random() * limit);
  const oneOf = <Item>(items: readonly Item[]): Item => items[whole(items.length)]!;
  const runKey = runKeyOf(id);
  const run = aRun({ id, layerCount: LAYERS, optimizer });
  await createRun(database.db, run);
  const ids: string[] = [];
  for (const attempt of [1, 2]) {
    if (attempt === 2) await createRun(database.db, { ...run, resumeFromStep: RESUMED_AT });
    const fromStep = attempt === 1 ? 0 : RESUMED_AT;
    const steps = NEWEST_STEP - fromStep;
    const ofAttempt = Array.from({ length: 2 + whole(6) }, (_, index) => {
      const onsetStep = fromStep + whole(steps);
      const kind = oneOf(['loss_spike', 'loss_spike', 'outlier_batch', 'rms_spike'] as const);
      return aSpike({
        ...{ id: `${attempt}-${kind}-${onsetStep}-${index}`, attempt, kind, onsetStep },
        ...{ riseStep: onsetStep - whole(3), peakStep: onsetStep + whole(5) },
        recovery: oneOf(['fast', 'slow', 'unrecovered', 'open', 'open'] as const),
        recoveredStep: random() < 0.5 ? null : onsetStep + whole(200),
        peakValue: random() < 0.1 ? null : 6,
        verdict: oneOf(['precursor_found', 'no_precursor', 'insufficient_data'] as const),
        firstMovers: Array.from({ length: whole(4) }, () => {
          const leadSteps = whole(10);
          return {
            layer: whole(LAYERS),
            metric: 'rms',
            step: onsetStep - leadSteps,
            leadSteps,
            z: 9,
          };
        }),
        globalMovers:
          random() < 0.5
            ? []
            : [{ metric: 'gradient_norm', step: onsetStep - 2, leadSteps: 2, z: 7.5 }],
        reevaluation: random() < 0.5 ? null : aSecondLook(onsetStep - whole(4), random() < 0.8),
      });
    });
    const stageChanges = Array.from({ length: LAYERS }, (_, layer) => {
      const at = [...new Set(Array.from({ length: 4 + whole(20) }, () => fromStep + whole(steps)))];
      return at
        .sort((a, b) => a - b)
        .map((step) => ({
          ...{ layer, step, stage: oneOf(STAGES), evidence: [0.1] },
          label: random() < 0.8 ? null : oneOf(['stale_v', 'start_up']),
        }));
    }).flat();
    await saveFindings(database.db, {
      ...{ runKey, attempt, rewindTo: null, rmsSpikeSteps: [], warnings: [], state: null },
      spikes: ofAttempt.map((spike) => ({ spike, isInherited: false })),
      stageChanges,
    });
    ids.push(...ofAttempt.map((spike) => spike.id));
    for (let count = 1 + whole(6); count > 0; count--) {
      const step = fromStep + whole(steps);
      const event = { attempt, step, kind: 'checkpoint', title: `at ${step}` } as const;
      await saveEvent(database.db, { runKey }, event, new Date(0));
    }
  }
  return ids;
}

function aSecondLook(onsetStep: number, standsOut: boolean): Spike['reevaluation'] {
  return {
    ...{ standsOut, onsetStep, riseStep: onsetStep - 1, peakStep: onsetStep + 2, peakValue: 5 },
    ...{ baseline: 2, recovery: 'fast', excessArea: 3, levelShift: null },
    ...{ samplesBefore: 128, samplesAfter: 128 },
  };
}

/** From all that is stored of the run, each spike and interval read whole. */
function adviseFromAll(id: string, spikeIds: readonly string[]) {
  const runKey = runKeyOf(id);
  return database.db.readSnapshot(async (snapshot) => {
    const run = (await findReadableRun(snapshot, runKey))!;
    const found = await Promise.all(spikeIds.map((each) => findSpike(database.db, runKey, each)));
    const spikes = found
      .map((spike) => spike!)
      .filter((spike) => spike.kind !== 'rms_spike' || isNews(spike))
      .sort((a, b) => a.onsetStep - b.onsetStep || byKind(a, b) || (a.id < b.id ? -1 : 1));
    const lastLossEvents = spikes.filter(({ kind }) => kind !== 'rms_spike').slice(-2);
    const steps = [
      { attempt: 2, step: NEWEST_STEP },
      ...lastLossEvents.map((spike) => ({ ...spike, step: lastQuietStep({ spike }) })),
    ];
    const stages = new Map<string, StageInterval>();
    for (const { attempt, step } of steps) {
      const at = [{ attempt, fromStep: Math.max(0, step), toStep: Math.max(0, step) }];
      for (const each of await findStageIntervals(snapshot, runKey, at)) {
        stages.set(`${each.attempt}/${each.layer}/${each.fromStep}`, each);
      }
    }
    const events = eventsQuery(runKey, {
      ...{ segments: selectSegments(run, 'all', {}), after: null, limit: 1000 },
    });
    await snapshot.readAll([events.query]);
    return composeAdvice({
      ...{ attempt: 2, optimizer, attempts: run.attempts, step: NEWEST_STEP, watchedFromStep: 0 },
      layers: await findLayers(snapshot, runKey),
      columns: { steps: [], scalars: new Map(), layers: new Map() },
      ...{ lastLoss: null, spikes, stages: [...stages.values()] },
      events: events.events.map(({ event }) => event),
      ...{ warnings: [], incidents: new Map() },
    });
  });
}

const KINDS = ['loss_spike', 'outlier_batch', 'divergence', 'rms_spike'];
const byKind = (a: Spike, b: Spike): number => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind);
const isNews = ({ attempt, onsetStep }: Spike): boolean =>
  attempt === 2 && onsetStep >= NEWEST_STEP - 200 && onsetStep <= NEWEST_STEP;

it.each(Array.from({ length: 16 }, (_, seed) => seed))(
  'advises by the few rows that it reads what all of them advise, seed %d',
  async (seed) => {
    const id = `run-${seed}`;
    const spikeIds = await saveRandomFindings(id, seededRandom(seed));
    const seen = { attempt: 2, step: NEWEST_STEP, watchedFromStep: 0 };
    const { items } = await readAdvice(database.db, id, seen);
    expect(items).toEqual(await adviseFromAll(id, spikeIds));
    // Of two attempts with spikes something is always to be said.
    expect(items.length).toBeGreaterThan(0);
  },
);
