import { describe, expect, it } from 'vitest';
import { observeLoss } from '@/lib/detect/loss-detector';
import { createLossDetector, isLossDisturbed } from '@/lib/detect/loss-state';
import { seededNormal } from '@/tests/seeded-random';
import { detect, eventsOf, fallingLoss, summarise, toBfloat16 } from './series';

const noisy = (seed: number, scale = 0.03) => {
  const normal = seededNormal(seed);
  return (step: number) => fallingLoss(step) + scale * normal();
};

describe('a healthy loss', () => {
  it.each([
    ['noisy', noisy(1)],
    ['very noisy', noisy(2, 0.4)],
    [
      'logged as bfloat16',
      (
        (loss) => (step: number) =>
          toBfloat16(loss(step))
      )(noisy(3)),
    ],
    [
      'logged as bfloat16, flat within one quantum',
      (
        (normal) => (step: number) =>
          toBfloat16(1.66 + 0.002 * normal() + 9 * Math.exp(-step / 50))
      )(seededNormal(4)),
    ],
    [
      'logged with two decimals',
      (
        (loss) => (step: number) =>
          Math.round(loss(step) * 100) / 100
      )(noisy(5)),
    ],
    [
      'rising by a drift',
      (
        (normal) => (step: number) =>
          3 + step * 2e-3 + 0.03 * normal()
      )(seededNormal(6)),
    ],
    [
      'going up and down slowly',
      (
        (normal) => (step: number) =>
          3 + 0.2 * Math.sin(step / 200) + 0.02 * normal()
      )(seededNormal(7)),
    ],
    [
      'stepping down with its learning rate',
      (
        (loss) => (step: number) =>
          loss(step) - (step > 1500 ? 0.4 : 0)
      )(noisy(8)),
    ],
    [
      'of two populations, one sample in five much higher',
      (
        (normal) => () =>
          3 + (normal() > 0.84 ? 0.3 : 0) + 0.05 * normal()
      )(seededNormal(9)),
    ],
  ])('raises no event: %s', (_, lossAt) => {
    expect(summarise(eventsOf(3000, lossAt))).toEqual([]);
  });

  it('raises no spike when heavy tails throw single samples up', () => {
    const normal = seededNormal(10);
    const lossAt = (step: number) => {
      const chi = (normal() ** 2 + normal() ** 2 + normal() ** 2) / 3;
      return fallingLoss(step) + (0.02 * normal()) / Math.sqrt(chi);
    };
    const kinds = new Set(eventsOf(6000, lossAt).map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['outlier_batch']));
  });

  it('takes ripples on a memorised loss for what they are', () => {
    const normal = seededNormal(11);
    const ripple = (step: number) => (step % 170 < 3 && step > 600 ? 1.15 : 1);
    const lossAt = (step: number) =>
      (4.9 * Math.exp(-step / 20) + 0.0047) * ripple(step) * (1 + 0.004 * normal());
    expect(summarise(eventsOf(2000, lossAt))).toEqual([]);
  });
});

describe('a spike', () => {
  const bump = (step: number, from: number, height: number, decay: number) =>
    step < from ? 0 : height * Math.exp(-(step - from) / decay);

  it.each([10, 40, 200])(
    'is dated by its first step and closed, decaying over %i steps',
    (decay) => {
      const normal = seededNormal(20);
      const lossAt = (step: number) => 3 + 0.03 * normal() + bump(step, 1200, 2, decay);
      const [event, ...others] = eventsOf(4000, lossAt);
      expect(others).toEqual([]);
      expect(event).toMatchObject({
        kind: 'loss_spike',
        onsetStep: 1200,
        riseStep: 1200,
        peakStep: 1200,
      });
      expect(event!.confirmedStep).toBe(1202);
      expect(event!.baseline).toBeCloseTo(3, 1);
      expect(event!.recovery).toBe(decay === 10 ? 'fast' : 'slow');
      // exp(-t / decay) falls to 3 scales of 0.03 after decay · ln(2 / 0.09).
      const expected = 1200 + decay * Math.log(2 / 0.09);
      expect(Math.abs(event!.recoveredStep! - expected)).toBeLessThan(0.25 * decay + 5);
      expect(event!.excessArea).toBeGreaterThan(2 * decay * 0.8);
      expect(event!.excessArea).toBeLessThan(2 * decay * 1.2);
    },
  );

  it('is found when it climbs slowly, from its first elevated step on', () => {
    const loss = noisy(21);
    const climb = (step: number) => Math.max(0, Math.min(step - 1000, 1060 - step)) * 0.05;
    const [event] = eventsOf(2000, (step) => loss(step) + climb(step));
    expect(event).toMatchObject({ kind: 'loss_spike' });
    expect(Math.abs(event!.onsetStep - 1002)).toBeLessThanOrEqual(2);
    expect(Math.abs(event!.peakStep! - 1030)).toBeLessThanOrEqual(2);
  });

  it('is found on a loss that still falls by decades within the window', () => {
    const normal = seededNormal(22);
    const lossAt = (step: number) =>
      (4 * Math.exp(-step / 25) + 0.005) * (1 + 0.02 * normal()) +
      (step >= 150 && step < 160 ? 0.6 : 0);
    expect(summarise(eventsOf(400, lossAt))).toEqual(['loss_spike 150']);
  });

  it('on a flat, memorised loss is dated by its first step, however small that is', () => {
    const normal = seededNormal(23);
    const spike = [0.006, 0.009, 0.014, 0.05, 0.3, 1.4, 2.8, 1.9, 1.1, 0.5];
    const lossAt = (step: number) => {
      const flat = (4.9 * Math.exp(-step / 15) + 0.0047) * (1 + 0.002 * normal());
      const high = spike[step - 700] ?? (step < 700 ? 0 : 0.4 * Math.exp(-(step - 710) / 8));
      return flat + high;
    };
    const events = eventsOf(1500, lossAt);
    expect(summarise(events)).toEqual(['loss_spike 700']);
    expect(events[0]).toMatchObject({ riseStep: 704, peakStep: 706, recovery: 'fast' });
  });

  it('on a flat loss is not dated by the ripples that run into it', () => {
    const normal = seededNormal(31);
    const creep = [
      0.0001, 0.0002, 0.0001, 0.0002, 0.0003, 0.0002, 0.0003, 0.0004, 1.4, 2.8, 1.9, 1,
    ];
    const lossAt = (step: number) => {
      const flat = (4.9 * Math.exp(-step / 15) + 0.0047) * (1 + 0.002 * normal());
      return flat + (creep[step - 700] ?? (step < 700 ? 0 : Math.exp(-(step - 711) / 8)));
    };
    expect(summarise(eventsOf(1000, lossAt))).toEqual(['loss_spike 708']);
  });

  it('is found in a loss logged every tenth step, with windows in samples and onset in steps', () => {
    const loss = noisy(24);
    const lossAt = (step: number) => loss(step) + (step >= 5000 && step < 5080 ? 1.5 : 0);
    const [event, ...others] = eventsOf(12_000, lossAt, { fromStep: 0, everySteps: 10 });
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      kind: 'loss_spike',
      onsetStep: 5000,
      confirmedStep: 5020,
      recoveredStep: 5080,
    });
  });

  it('is found where steps without a loss lie between', () => {
    const detector = createLossDetector();
    const loss = noisy(25);
    const opened: number[] = [];
    for (let step = 0; step < 8000; step++) {
      const isLogged = step % 7 === 0;
      const value = loss(step) + (step >= 4200 && step < 4260 ? 1.5 : 0);
      const updates = observeLoss(detector, {
        step,
        loss: isLogged ? value : null,
        learningRate: 1e-3,
      });
      for (const { phase, event } of updates) if (phase === 'opened') opened.push(event.onsetStep);
    }
    expect(opened).toEqual([4200]);
  });

  it('flaring up again right after its recovery is the same event', () => {
    const loss = noisy(26);
    const isHigh = (step: number) => (step >= 900 && step < 930) || (step >= 938 && step < 960);
    const events = eventsOf(2000, (step) => loss(step) + (isHigh(step) ? 1 : 0));
    expect(summarise(events)).toEqual(['loss_spike 900']);
    expect(events[0]!.recoveredStep).toBe(960);
  });

  it('is not over while its peak is still to come, where the loss swings', () => {
    const loss = noisy(27);
    const highs = new Map([1000, 1001, 1003, 1004, 1006].map((step) => [step, 20]));
    for (const [step, high] of [
      [1008, 20.5],
      [1009, 21],
    ] as const)
      highs.set(step, high);
    const [event, ...others] = eventsOf(1500, (step) => loss(step) + (highs.get(step) ?? 0));
    expect(others).toEqual([]);
    // 1007 begins ten losses of which eight are low.
    expect(event).toMatchObject({ onsetStep: 1000, peakStep: 1009, recoveredStep: 1010 });
  });

  it('is not said to have recovered on a level below which only its next leap puts it', () => {
    const loss = noisy(28);
    const [event] = eventsOf(1500, (step) =>
      step < 1000 ? loss(step) : loss(step) + (step === 1050 ? 100 : step < 1060 ? 2 : 0),
    );
    // 2 above the level is within 3 % of a climb of 100, but was not when it was reported.
    expect(event).toMatchObject({ peakStep: 1050, recoveredStep: 1051, recovery: 'slow' });
  });

  it('a hundred steps after another is an event of its own', () => {
    const loss = noisy(27);
    const isHigh = (step: number) => (step >= 900 && step < 930) || (step >= 1030 && step < 1060);
    const events = eventsOf(2000, (step) => loss(step) + (isHigh(step) ? 1 : 0));
    expect(summarise(events)).toEqual(['loss_spike 900', 'loss_spike 1030']);
  });

  it('that leaves the loss above its old level has recovered in part', () => {
    const normal = seededNormal(28);
    const isHigh = (step: number) => step >= 1500 && step < 1520;
    const lossAt = (step: number) =>
      3 + 0.03 * normal() + (isHigh(step) ? 1 : 0) + (step >= 1540 ? 0.12 : 0);
    const [event, ...others] = eventsOf(4000, lossAt);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ onsetStep: 1500, recoveredStep: 1520, recovery: 'partial' });
    expect(event!.levelShift).toBeCloseTo(0.12, 1);
  });

  it('that never comes back is given up after 1,000 samples, and its level is the new baseline', () => {
    const loss = noisy(29);
    const lossAt = (step: number) =>
      loss(step) + (step >= 1500 ? 1.5 : 0) + (step >= 3200 && step < 3230 ? 1.5 : 0);
    const events = eventsOf(5000, lossAt);
    expect(summarise(events)).toEqual(['loss_spike 1500', 'loss_spike 3200']);
    expect(events[0]).toMatchObject({ recovery: 'unrecovered', recoveredStep: null });
    expect(events[1]).toMatchObject({ recovery: 'fast' });
  });

  it('from a level on which an earlier one left the loss is found before that is given up', () => {
    const loss = noisy(30);
    const lossAt = (step: number) =>
      loss(step) + (step >= 1500 ? 1.5 : 0) + (step >= 1800 && step < 1830 ? 1.5 : 0);
    const events = eventsOf(2600, lossAt);
    expect(summarise(events)).toEqual(['loss_spike 1500', 'loss_spike 1800']);
  });
});

describe('an outlier batch', () => {
  it('is told from a spike by what follows it, and judged five samples on', () => {
    const loss = noisy(40);
    const updates = detect(2000, (step) => loss(step) + (step === 800 ? 4 : 0));
    expect(updates.map(({ phase }) => phase)).toEqual(['opened', 'reevaluated']);
    expect(updates[0]).toMatchObject({
      phase: 'opened',
      event: { kind: 'outlier_batch', onsetStep: 800, confirmedStep: 804, recoveredStep: 801 },
    });
  });

  it('keeps the layers’ baselines still while it is a candidate', () => {
    const loss = noisy(41);
    const detector = createLossDetector();
    detect(800, loss, { detector });
    expect(isLossDisturbed(detector)).toBe(false);
    detect(801, (step) => loss(step) + 4, { fromStep: 800, detector });
    expect(isLossDisturbed(detector)).toBe(true);
    detect(810, loss, { fromStep: 801, detector });
    expect(isLossDisturbed(detector)).toBe(false);
  });

  it('is merged with another less than ten samples on', () => {
    const loss = noisy(42);
    const isBad = (step: number) => step === 800 || step === 808;
    expect(summarise(eventsOf(2000, (step) => loss(step) + (isBad(step) ? 4 : 0)))).toEqual([
      'outlier_batch 800',
    ]);
  });

  it('carried forward by a trainer that logs every fifth step is one sample, not five', () => {
    const normal = seededNormal(43);
    let carried = 0;
    const lossAt = (step: number) => {
      if (step % 5 === 0) carried = fallingLoss(step) + 0.03 * normal() + (step === 3000 ? 4 : 0);
      return carried;
    };
    expect(summarise(eventsOf(6000, lossAt, { fromStep: 0 }))).toEqual(['outlier_batch 3000']);
  });
});

describe('what is not finite', () => {
  it('is a divergence at once, on the first step of a run too', () => {
    expect(detect(2, () => NaN)).toMatchObject([
      {
        phase: 'opened',
        event: { kind: 'divergence', onsetStep: 1, baseline: null, recovery: 'diverged' },
      },
    ]);
  });

  it.each([NaN, Infinity, -Infinity, 1e39])(
    'opens one event however long it lasts: %s',
    (value) => {
      const loss = noisy(50);
      const events = eventsOf(3000, (step) => (step >= 1000 ? value : loss(step)));
      expect(summarise(events)).toEqual(['divergence 1000']);
      expect(events[0]).toMatchObject({
        recoveredStep: null,
        recovery: 'diverged',
        peakValue: null,
      });
    },
  );

  it('inside an open spike is reported too, and ends the spike', () => {
    const loss = noisy(51);
    const events = eventsOf(1100, (step) =>
      step >= 1010 ? NaN : loss(step) + (step >= 1000 ? 2 : 0),
    );
    expect(summarise(events)).toEqual(['loss_spike 1000', 'divergence 1010']);
    expect(events[0]).toMatchObject({ recovery: 'diverged', recoveredStep: null });
    expect(events[1]!.baseline).toBeCloseTo(events[0]!.baseline!, 12);
  });

  it('right after two high losses makes them a spike', () => {
    const loss = noisy(52);
    const events = eventsOf(1100, (step) =>
      step >= 1002 ? NaN : loss(step) + (step >= 1000 ? 2 : 0),
    );
    expect(summarise(events)).toEqual(['loss_spike 1000', 'divergence 1002']);
  });

  it('for one skipped step has recovered on the next', () => {
    const loss = noisy(53);
    const [event, ...others] = eventsOf(1500, (step) => (step === 1000 ? NaN : loss(step)));
    expect(others).toEqual([]);
    expect(event).toMatchObject({ kind: 'divergence', recoveredStep: 1001, recovery: 'fast' });
    // The highest of the quiet losses after it is no peak of the divergence.
    expect(event).toMatchObject({ peakStep: null, peakValue: null });
  });

  it('has its highest finite loss as its peak, before it recovered', () => {
    const loss = noisy(55);
    const [event] = eventsOf(1500, (step) =>
      step < 1000 || step > 1003 ? loss(step) : step % 2 === 0 ? NaN : 8 + step / 1000,
    );
    expect(event).toMatchObject({ kind: 'divergence', recoveredStep: 1004 });
    expect(event).toMatchObject({ peakStep: 1003, peakValue: 9.003 });
  });

  it('keeps the peak from before it recovered where a quiet loss after it is higher', () => {
    const loss = noisy(56);
    for (const opening of [1000, 3]) {
      const [event] = eventsOf(1100, (step) => {
        if (step === opening + 1) return 1;
        return step >= opening && step < opening + 5 ? NaN : loss(step);
      });
      expect(event).toMatchObject({ kind: 'divergence', recoveredStep: opening + 5 });
      expect(event).toMatchObject({ peakStep: opening + 1, peakValue: 1 });
    }
  });

  it('after a leap from the level of an open event ends a spike, or counts to the event', () => {
    const loss = noisy(57);
    const leap = (highs: number) => (step: number) => {
      if (step === 500) return NaN;
      if (step >= 600 && step < 600 + highs) return 90;
      return step === 600 + highs ? NaN : loss(step) + (step > 500 ? 3 : 0);
    };
    const [first, spike, second, ...others] = eventsOf(650, leap(2));
    expect(others).toEqual([]);
    expect(summarise([first!, spike!, second!])).toEqual([
      'divergence 500',
      'loss_spike 600',
      'divergence 602',
    ]);
    expect(spike).toMatchObject({ riseStep: 600, peakStep: 600, peakValue: 90 });
    const [only, ...more] = eventsOf(650, leap(1));
    expect(more).toEqual([]);
    expect(only).toMatchObject({ kind: 'divergence', peakStep: 600, peakValue: 90 });
  });

  it('during start-up does not keep a later spike from being found', () => {
    const loss = noisy(54);
    const lossAt = (step: number) =>
      step === 5 ? NaN : loss(step) + (step >= 600 && step < 640 ? 2 : 0);
    expect(summarise(eventsOf(1500, lossAt))).toEqual(['divergence 5', 'loss_spike 600']);
  });
});

describe('start-up', () => {
  it('judges nothing before 64 samples are in', () => {
    const loss = noisy(60);
    const lossAt = (step: number) => loss(step) + (step >= 40 && step < 50 ? 30 : 0);
    expect(eventsOf(60, lossAt)).toEqual([]);
  });

  it('lasts as long as the learning rate climbs', () => {
    const normal = seededNormal(61);
    const lossAt = (step: number) => 3 + 0.03 * normal() + (step >= 200 && step < 240 ? 2 : 0);
    const climbing = (end: number) => (step: number) => 1e-3 * Math.min(1, step / end);
    expect(eventsOf(240, lossAt, { learningRate: climbing(500) })).toEqual([]);
    expect(summarise(eventsOf(240, lossAt, { learningRate: climbing(100) }))).toEqual([
      'loss_spike 200',
    ]);
  });

  it('ends after 1,000 samples even where the learning rate climbs on', () => {
    const normal = seededNormal(62);
    const lossAt = (step: number) => 3 + 0.03 * normal() + (step >= 3000 && step < 3040 ? 2 : 0);
    const learningRate = (step: number) => 1e-7 * step;
    expect(summarise(eventsOf(3500, lossAt, { learningRate }))).toEqual(['loss_spike 3000']);
  });

  it('is not granted again to a learning rate that climbs once more', () => {
    const normal = seededNormal(63);
    const lossAt = (step: number) => 3 + 0.03 * normal() + (step >= 1050 && step < 1080 ? 2 : 0);
    const learningRate = (step: number) => 1e-3 * Math.min(1, (step % 1000) / 200);
    expect(summarise(eventsOf(1500, lossAt, { learningRate }))).toEqual(['loss_spike 1050']);
  });
});
