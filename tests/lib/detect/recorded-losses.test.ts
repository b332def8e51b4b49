import { describe, expect, it } from 'vitest';
import { type LogRow, loadPublicLog, loadRecordedRun } from './recorded-run';
import { eventsOf } from './series';
import { reevaluateLosses } from './whole-series';

function recordedEvents(name: 'B_spontaneous_spike' | 'C_stale_v') {
  const { steps } = loadRecordedRun(name);
  const byStep = new Map(steps.map(({ step, scalars }) => [step, scalars]));
  const lossAt = (step: number) => byStep.get(step)!.get('loss')!;
  const learningRate = (step: number) => byStep.get(step)!.get('learning_rate')!;
  return {
    online: eventsOf(steps.length + 1, lossAt, { learningRate }),
    offline: reevaluateLosses({
      steps: steps.map(({ step }) => step),
      losses: steps.map(({ step }) => lossAt(step)),
      learningRates: steps.map(({ step }) => learningRate(step)),
    }),
  };
}

function expectNear(step: number, expected: number): void {
  expect(Math.abs(step - expected)).toBeLessThanOrEqual(2);
}

describe.each(['online', 'offline'] as const)('the recorded runs, %s', (mode) => {
  it('B spikes by itself twice, at 318 and 552, and nothing else happens in it', () => {
    const events = recordedEvents('B_spontaneous_spike')[mode];
    expect(events.map(({ kind }) => kind)).toEqual(['loss_spike', 'loss_spike']);
    const [first, second] = events;
    expectNear(first!.onsetStep, 318);
    expectNear(second!.onsetStep, 552);
    expect(first).toMatchObject({
      riseStep: 318,
      peakStep: 319,
      peakValue: 2.839604,
      recovery: 'fast',
    });
    expect(second).toMatchObject({
      riseStep: 552,
      peakStep: 553,
      peakValue: 1.764498,
      recovery: 'fast',
    });
    // The recording's own account ends the spikes at a loss of 0.1: 336 and 562.
    expect(Math.abs(first!.recoveredStep! - 337)).toBeLessThanOrEqual(6);
    expect(Math.abs(second!.recoveredStep! - 563)).toBeLessThanOrEqual(6);
  });

  it('C has a bad batch at 150 and other data from 220 and 320 on', () => {
    const events = recordedEvents('C_stale_v')[mode];
    const known = events.filter(({ onsetStep }) => Math.abs(onsetStep - 440) > 2);
    expect(known.map(({ kind }) => kind)).toEqual(['outlier_batch', 'loss_spike', 'loss_spike']);
    expect(known[0]!.onsetStep).toBe(150);
    expectNear(known[1]!.onsetStep, 220);
    expectNear(known[2]!.onsetStep, 320);
    expect(events.length - known.length).toBeLessThanOrEqual(1);
  });
});

describe('public logs', () => {
  const healthy = ['llmc-gpt2-124M', 'nanogpt-adam', 'nanogpt-soap'];

  it.each(healthy)('%s has bad batches and no spike', (name) => {
    const rows = loadPublicLog(name);
    const events = eventsOf(rows.at(-1)!.step + 1, lossOf(rows), { fromStep: rows[0]!.step });
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['outlier_batch']));
    // One in 200 steps: rare enough to be looked at.
    expect(events.length / rows.length).toBeLessThan(0.005);
  });

  it('two optimizers on the same data have their bad batches in common', () => {
    const [ofAdam, ofSoap] = ['nanogpt-adam', 'nanogpt-soap'].map((name) => {
      const rows = loadPublicLog(name);
      const events = reevaluateLosses({
        steps: rows.map(({ step }) => step),
        losses: rows.map(({ loss }) => loss),
      });
      const outliers = events.filter(({ kind }) => kind === 'outlier_batch');
      return outliers.map(({ onsetStep }) => onsetStep);
    });
    const shared = ofAdam!.filter((step) => ofSoap!.includes(step));
    for (const step of [919, 947, 1106, 1611, 1760, 2374, 2460, 3092, 3194]) {
      expect(shared).toContain(step);
    }
  });

  it('BLOOM’s first spike is dated 31216 in the noise of a healthy run', () => {
    const lossAt = bloomLoss();
    const online = eventsOf(31_400, lossAt, { fromStep: 30_400 });
    const spikes = online.filter(({ kind }) => kind !== 'outlier_batch');
    expect(spikes).toHaveLength(1);
    expect(spikes[0]).toMatchObject({
      kind: 'loss_spike',
      onsetStep: 31_216,
      riseStep: 31_216,
      confirmedStep: 31_219,
      peakStep: 31_219,
      peakValue: 5.098124,
      recovery: 'fast',
    });
    expectNear(spikes[0]!.recoveredStep!, 31_246);
  });

  it('a spike of three lines at the end of a log is open when the log ends', () => {
    const noise = healthyNoise();
    const rows = new Map(
      loadPublicLog('bigscience-104B-exp11-spike').map((row) => [row.step, row]),
    );
    const lossAt = (step: number) =>
      rows.get(step)?.loss ?? (step < 11_446 ? 3.06 + noise(step) : 7.7 + 3 * noise(step));
    const events = eventsOf(11_460, lossAt, { fromStep: 10_900 });
    const spikes = events.filter(({ kind }) => kind === 'loss_spike');
    expect(spikes).toMatchObject([{ onsetStep: 11_448, recovery: 'open', recoveredStep: null }]);
  });
});

function lossOf(rows: readonly LogRow[]): (step: number) => number {
  const byStep = new Map(rows.map(({ step, loss }) => [step, loss]));
  return (step) => byStep.get(step)!;
}

/** What llm.c's loss leaves over a median of 21 steps, from step 12,000 on. */
function healthyNoise(): (step: number) => number {
  const losses = loadPublicLog('llmc-gpt2-124M').map(({ loss }) => loss);
  return (step) => {
    const at = 12_000 + (step % 5000);
    const around = losses.slice(at - 10, at + 11).sort((a, b) => a - b);
    return losses[at]! - around[10]!;
  };
}

/** The public rows of BLOOM's first spike, its elided rows interpolated, healthy noise around. */
function bloomLoss(): (step: number) => number {
  const noise = healthyNoise();
  const rows = new Map(
    loadPublicLog('bloom-176B-first-loss-spike').map((row) => [row.step, row.loss]),
  );
  const from = rows.get(31_222)!;
  const to = rows.get(31_250)!;
  return (step) => {
    const known = rows.get(step);
    if (known !== undefined) return known;
    if (step > 31_222 && step < 31_250) return from + ((to - from) * (step - 31_222)) / 28;
    return 2.21 + 0.6 * noise(step);
  };
}
