import { describe, expect, it } from 'vitest';
import {
  type LossReport,
  type StepObservation,
  createRunDetector,
  observeStep,
} from '@/lib/detect/run-detector';
import type { RmsSpike } from '@/lib/detect/rms-spikes';
import type { StageChange } from '@/lib/detect/stage-machine';
import { seededNormal } from '@/tests/seeded-random';
import { type GradientAt, createAdamLayers } from './adam-layers';
import { loadRecordedRun } from './recorded-run';

/** Whether layers are reported on a step; the loss and the gradient norm of the model always are. */
type Cadence = (step: number) => boolean;

const every =
  (k: number, offset = 0): Cadence =>
  (step) =>
    step % k === offset;
/** Every step, then every fifth, then every second: what a budget of overhead does. */
const changing: Cadence = (step) =>
  step < 150 ? true : step < 400 ? step % 5 === 0 : step % 2 === 1;

const thin = (observation: StepObservation, keep: Cadence): StepObservation =>
  keep(observation.step) ? observation : { ...observation, layerMetrics: new Map() };

function watch(name: 'B_spontaneous_spike' | 'C_stale_v', keep: Cadence) {
  const run = loadRecordedRun(name);
  const detector = createRunDetector(run.layerNames.length);
  const losses = new Map<number, LossReport>();
  const rms = new Map<number, RmsSpike>();
  const changes: StageChange[] = [];
  for (const observation of run.steps) {
    const findings = observeStep(detector, thin(observation, keep), run.context);
    for (const report of findings.loss) losses.set(report.event.openedStep, report);
    for (const { event } of findings.rmsSpikes) rms.set(event.onsetStep, event);
    changes.push(...findings.stages);
  }
  const dates = Array.from(losses.values(), ({ event }) => [
    event.kind,
    event.onsetStep,
    event.riseStep,
    event.recoveredStep,
    event.recovery,
  ]);
  return { dates, losses: [...losses.values()], rms: [...rms.values()], changes };
}

const CADENCES = [
  ['second', every(2)],
  ['fifth', every(5)],
  ['tenth', every(10)],
  ['seventh of ten', every(10, 7)],
  ['first, then fifth, then second', changing],
] as const;

describe.each(['B_spontaneous_spike', 'C_stale_v'] as const)('%s', (name) => {
  const whole = watch(name, every(1));

  it.each(CADENCES)(
    'has the same loss events with layers on every %s step',
    (_, keep) => {
      expect(watch(name, keep).dates).toEqual(whole.dates);
    },
    60_000,
  );

  it.each(CADENCES)(
    'has no RMS spike that all steps have not, with layers on every %s step',
    (_, keep) => {
      const { rms } = watch(name, keep);
      expect(rms.length).toBeGreaterThan(0);
      for (const { onsetStep, recoveredStep } of rms) {
        expect(keep(onsetStep)).toBe(true);
        // The first report without: nobody knows of a step that was not reported.
        expect(recoveredStep === null || keep(recoveredStep)).toBe(true);
      }
    },
    60_000,
  );

  it.each(CADENCES)(
    'leaves start-up 64 steps after the first, with layers on every %s step',
    (_, keep) => {
      const { changes } = watch(name, keep);
      const left = changes.filter(({ label, step }) => label !== 'start_up' && step > 1);
      expect(Math.min(...left.map(({ step }) => step))).toBeGreaterThanOrEqual(64);
      const startUps = changes.filter(({ label }) => label === 'start_up');
      expect(startUps.length).toBeGreaterThan(0);
      expect(left.some(({ label }) => label === 'stale_v')).toBe(true);
    },
    60_000,
  );
});

describe('first movers of run B', () => {
  it('are found where a report of the layers falls on the step before the rise', () => {
    const [first, second] = watch('B_spontaneous_spike', every(2, 1)).losses;
    for (const { precursor } of [first!, second!]) {
      expect(precursor.verdict).toBe('precursor_found');
      expect(
        precursor.firstMovers.filter(({ leadSteps }) => leadSteps === 1).length,
      ).toBeGreaterThan(25);
    }
  });

  it('are none where no report does, and none is made up', () => {
    for (const { event, precursor } of watch('B_spontaneous_spike', every(10)).losses) {
      expect(precursor.firstMovers).toEqual([]);
      // The gradient norm of the model, which every step reported, moved before the first.
      expect(precursor.gradientNorm?.leadSteps).toBe(event.riseStep === 318 ? 1 : 0);
    }
  });
});

const BURST = 1800;
/** As in the tests of the stage machine; drift and burst take long enough for every tenth step. */
const paper: GradientAt = (step, _, noise, sign) => {
  if (step >= BURST + 12) return 1e-4 * noise;
  if (step >= BURST) return 1e-4 * sign;
  const size = Math.max(1e-11, 1e-4 * 10 ** (-Math.max(0, step - 100) / 200));
  const drift = Math.min(1.5, Math.max(0, (step - 1300) / 300));
  return size * (noise + drift * sign);
};

function walk(keep: Cadence) {
  const layers = createAdamLayers([paper]);
  const detector = createRunDetector(1);
  const normal = seededNormal(5);
  const changes: StageChange[] = [];
  for (let step = 1; step <= BURST + 160; step++) {
    const rise = step > BURST ? 3 * Math.exp(-(step - BURST - 1) / 12) : 0;
    const observation = layers.observe(step, 3 + 0.03 * normal() + rise);
    changes.push(...observeStep(detector, thin(observation, keep), layers.context).stages);
  }
  const stages = changes.filter(({ step, stage }) => step > 1 || stage === 'healthy');
  return stages.filter(({ stage }, index) => stage !== stages[index - 1]?.stage);
}

const ORDER = [
  'healthy',
  'gradients_vanish',
  'update_collapsed',
  'correlating',
  'armed',
  'trigger',
  'explosion',
  'decorrelating',
  'recovering',
  'healthy',
];
/** The cosine is smoothed over reports: ten times as slow, it has not moved when r splits. */
const UNCORRELATED = ORDER.filter((stage) => stage !== 'correlating');

describe('the paper’s process', () => {
  it.each([
    ['second', every(2), ORDER],
    ['fifth', every(5), ORDER],
    ['tenth', every(10), UNCORRELATED],
    [
      'first, then tenth, then third',
      (step: number) => step < 300 || step % (step < 1500 ? 10 : 3) === 0,
      UNCORRELATED,
    ],
  ] as const)(
    'is walked in order with layers on every %s step, and recovers in as many steps',
    (_, keep, order) => {
      const walked = walk(keep);
      expect(walked.map(({ stage }) => stage)).toEqual(order);
      const stepOf = (stage: string) => walked.findLast((change) => change.stage === stage)!.step;
      expect(stepOf('trigger')).toBeLessThan(BURST + 10);
      const recovering = stepOf('healthy') - stepOf('recovering');
      expect(recovering).toBeGreaterThanOrEqual(40);
      // And up to the report after.
      expect(recovering).toBeLessThan(50);
    },
    60_000,
  );
});
