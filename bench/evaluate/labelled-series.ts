/** Series of which it is known where they spike: recorded, public, composed and synthetic. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { seededNormal } from '../../tests/seeded-random';

export interface SeriesPoint {
  readonly step: number;
  readonly loss: number | null;
  readonly gradientNorm: number | null;
  readonly learningRate: number | null;
}

export interface LabelledSeries {
  readonly name: string;
  readonly group: 'recorded' | 'public' | 'composed' | 'synthetic' | 'hard';
  readonly points: readonly SeriesPoint[];
  /** First steps of its spikes and divergences. */
  readonly spikes: readonly number[];
  /** Steps at which an alarm is neither right nor wrong. */
  readonly either: readonly number[];
}

const FIXTURES = fileURLToPath(new URL('../../tests/fixtures/', import.meta.url));

function toNumber(value: unknown): number | null {
  return value === null || value === undefined || value === '' ? null : Number(value);
}

function readRecording(name: string): SeriesPoint[] {
  const text = gunzipSync(readFileSync(`${FIXTURES}recorded/${name}.jsonl.gz`)).toString('utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const row = JSON.parse(line);
      return {
        step: row.step,
        loss: toNumber(row.loss),
        gradientNorm: toNumber(row.grad_norm),
        learningRate: toNumber(row.lr),
      };
    });
}

function readLog(name: string): SeriesPoint[] {
  const [head = '', ...lines] = readFileSync(`${FIXTURES}real-logs/${name}.csv`, 'utf8')
    .trim()
    .split('\n');
  const columns = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    const cell = (column: string) => toNumber(cells[columns.indexOf(column)]);
    return {
      step: cell('step') ?? 0,
      loss: cell('loss'),
      gradientNorm: cell('grad_norm'),
      learningRate: cell('lr'),
    };
  });
}

/** What llm.c's loss and norm leave over their median of 21 steps, from step 12,000 on. */
function residuals(of: 'loss' | 'gradientNorm'): number[] {
  const values = readLog('llmc-gpt2-124M').map((point) => point[of] ?? 0);
  return values.slice(12_000, 17_000).map((value, index) => {
    const around = values.slice(12_000 + index - 10, 12_000 + index + 11).sort((a, b) => a - b);
    const median = around[10] ?? value;
    return of === 'loss' ? value - median : value / median;
  });
}

interface Composition {
  /** What the loss and the norm are around the rows. */
  readonly level: number;
  readonly norm: number;
  /** Factor on llm.c's noise, whose batches are smaller. */
  readonly shrink: number;
}

/**
 * Rows of a real spike in the noise of a healthy run. Rows that the source leaves out are
 * interpolated; where it ends high, the rest decays over 30 steps.
 */
function compose(name: string, { level, norm, shrink }: Composition): SeriesPoint[] {
  const rows = readLog(name);
  const byStep = new Map(rows.map((row) => [row.step, row]));
  const first = rows[0]?.step ?? 0;
  const last = rows.at(-1)?.step ?? 0;
  const lossNoise = residuals('loss');
  const normNoise = residuals('gradientNorm');
  const pointAt = (step: number): SeriesPoint => {
    const known = byStep.get(step);
    if (known !== undefined) return known;
    const before = rows.findLast((row) => row.step < step);
    const after = rows.find((row) => row.step > step);
    if (before !== undefined && after !== undefined) {
      const share = (step - before.step) / (after.step - before.step);
      const between = (a: number | null, b: number | null) =>
        (1 - share) * (a ?? 0) + share * (b ?? 0);
      return {
        step,
        loss: between(before.loss, after.loss),
        gradientNorm: between(before.gradientNorm, after.gradientNorm),
        learningRate: null,
      };
    }
    const at = step - first + 3000;
    const left = before === undefined ? 0 : Math.exp(-(step - before.step) / 30);
    return {
      step,
      loss: level + left * ((before?.loss ?? level) - level) + shrink * (lossNoise[at] ?? 0),
      gradientNorm: (norm + left * ((before?.gradientNorm ?? norm) - norm)) * (normNoise[at] ?? 1),
      learningRate: null,
    };
  };
  return Array.from({ length: last - first + 4501 }, (_, index) => pointAt(first - 3000 + index));
}

interface SyntheticOptions {
  readonly seed: number;
  readonly steps?: number;
  readonly everySteps?: number;
  readonly lossAt: (step: number, noise: number) => number;
  /** Factor on a gradient norm of 0.3 with 10 % of noise. */
  readonly normFactorAt?: (step: number) => number;
  readonly learningRateAt?: (step: number) => number;
}

function synthesise({
  seed,
  steps = 6000,
  everySteps = 1,
  lossAt,
  normFactorAt = () => 1,
  learningRateAt = () => 3e-4,
}: SyntheticOptions): SeriesPoint[] {
  const lossNoise = seededNormal(seed);
  const normNoise = seededNormal(seed + 1000);
  const points: SeriesPoint[] = [];
  for (let step = 1; step <= steps; step++) {
    const loss = lossAt(step, lossNoise());
    const gradientNorm = 0.3 * Math.exp(0.1 * normNoise()) * normFactorAt(step);
    if (step % everySteps !== 0) continue;
    points.push({ step, loss, gradientNorm, learningRate: learningRateAt(step) });
  }
  return points;
}

const falling = (step: number) => 2.3 + 8 * Math.exp(-step / 120) + 1.7 / Math.sqrt(1 + step / 150);

/** A sudden rise that decays over `decay` steps. */
const spikeAt = (step: number, from: number, height: number, decay: number) =>
  step < from ? 0 : height * Math.exp(-(step - from) / decay);

function bfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = ((bits[0] ?? 0) + 0x8000) & 0xffff0000;
  return new Float32Array(bits.buffer)[0] ?? 0;
}

function synthetic(
  group: 'synthetic' | 'hard',
  name: string,
  options: SyntheticOptions,
  spikes: readonly number[] = [],
  either: readonly number[] = [],
): LabelledSeries {
  return { name, group, points: synthesise(options), spikes, either };
}

/** Everything that the evaluation is made of. */
export function loadLabelledSeries(): LabelledSeries[] {
  const none = { spikes: [], either: [] };
  return [
    {
      name: 'B, two spontaneous spikes',
      group: 'recorded',
      points: readRecording('B_spontaneous_spike'),
      spikes: [318, 552],
      either: [],
    },
    {
      name: 'C, changes of data',
      group: 'recorded',
      points: readRecording('C_stale_v'),
      spikes: [220, 320],
      either: [440],
    },
    { name: 'llm.c GPT-2 124M', group: 'public', points: readLog('llmc-gpt2-124M'), ...none },
    { name: 'nanoGPT, Adam', group: 'public', points: readLog('nanogpt-adam'), ...none },
    { name: 'nanoGPT, SOAP', group: 'public', points: readLog('nanogpt-soap'), ...none },
    {
      name: 'BLOOM 176B, first spike',
      group: 'composed',
      points: compose('bloom-176B-first-loss-spike', { level: 2.21, norm: 0.24, shrink: 0.6 }),
      spikes: [31_216],
      either: [],
    },
    {
      name: '104B exp 11',
      group: 'composed',
      points: compose('bigscience-104B-exp11-spike', { level: 3.06, norm: 12_900, shrink: 0.8 }),
      spikes: [11_448],
      either: [],
    },
    synthetic(
      'synthetic',
      'spike with a gradient jump one step before',
      {
        seed: 1,
        lossAt: (step, noise) => falling(step) + 0.03 * noise + spikeAt(step, 4000, 1, 12),
        normFactorAt: (step) => 1 + spikeAt(step, 3999, 20, 12),
      },
      [4000],
    ),
    synthetic(
      'synthetic',
      'spike without any',
      {
        seed: 2,
        lossAt: (step, noise) => falling(step) + 0.03 * noise + spikeAt(step, 4000, 0.5, 20),
      },
      [4000],
    ),
    synthetic(
      'synthetic',
      'slow climb over 60 steps',
      {
        seed: 3,
        lossAt: (step, noise) =>
          falling(step) + 0.03 * noise + 0.03 * Math.max(0, 60 - Math.abs(step - 4060)),
      },
      [4006],
    ),
    synthetic(
      'synthetic',
      'loss logged every tenth step',
      {
        seed: 4,
        steps: 30_000,
        everySteps: 10,
        lossAt: (step, noise) =>
          falling(step) + 0.03 * noise + (step >= 20_000 && step < 20_100 ? 1.5 : 0),
      },
      [20_000],
    ),
    synthetic(
      'synthetic',
      'flat memorised loss, three spikes',
      {
        seed: 5,
        steps: 2000,
        lossAt: (step, noise) =>
          (5 * Math.exp(-step / 15) + 0.005) * (1 + 0.01 * noise) +
          [800, 1200, 1600].reduce(
            (sum, at) => sum + (step < at + 100 ? spikeAt(step, at, 2, 6) : 0),
            0,
          ),
      },
      [800, 1200, 1600],
    ),
    synthetic(
      'synthetic',
      'NaN ten steps into a spike',
      {
        seed: 6,
        steps: 4500,
        lossAt: (step, noise) =>
          step >= 4010 ? NaN : falling(step) + 0.03 * noise + (step >= 4000 ? 3 : 0),
      },
      [4000, 4010],
    ),
    synthetic(
      'synthetic',
      'bfloat16 loss',
      {
        seed: 7,
        lossAt: (step, noise) =>
          bfloat16(falling(step) + 0.01 * noise + spikeAt(step, 4000, 1, 15)),
      },
      [4000],
    ),
    synthetic('synthetic', 'noisy loss, healthy', {
      seed: 8,
      lossAt: (step, noise) => falling(step) + 0.4 * noise,
    }),
    synthetic('synthetic', 'upward drift, healthy', {
      seed: 9,
      lossAt: (step, noise) => 3 + 2e-4 * step + 0.03 * noise,
    }),
    synthetic('synthetic', 'step decay of the learning rate, healthy', {
      seed: 10,
      lossAt: (step, noise) => falling(step) - (step > 3000 ? 0.3 : 0) + 0.03 * noise,
      learningRateAt: (step) => (step > 3000 ? 3e-5 : 3e-4),
    }),
    synthetic('synthetic', 'bad batch every 200 steps, healthy', {
      seed: 11,
      lossAt: (step, noise) =>
        falling(step) + 0.03 * noise + (step > 200 && step % 200 === 0 ? 2 : 0),
    }),
    synthetic(
      'hard',
      'spike of two steps',
      {
        seed: 20,
        lossAt: (step, noise) =>
          falling(step) + 0.03 * noise + (step === 4000 || step === 4001 ? 2 : 0),
      },
      [4000],
    ),
    synthetic(
      'hard',
      'four deviations up for 100 steps',
      {
        seed: 21,
        lossAt: (step, noise) =>
          falling(step) + 0.03 * noise + (step >= 4000 && step < 4100 ? 0.12 : 0),
      },
      [4000],
    ),
    synthetic(
      'hard',
      'divergence by a drift of 1,000 steps',
      {
        seed: 22,
        lossAt: (step, noise) => falling(step) + 0.1 * noise + Math.max(0, step - 4000) * 2e-3,
      },
      [4000],
    ),
    synthetic(
      'hard',
      'spike within a warm-up of 800 steps',
      {
        seed: 23,
        lossAt: (step, noise) => falling(step) + 0.03 * noise + spikeAt(step, 600, 2, 15),
        learningRateAt: (step) => 3e-4 * Math.min(1, step / 800),
      },
      [600],
    ),
    synthetic(
      'hard',
      'slowly wandering loss, healthy',
      (() => {
        let level = 0;
        return {
          seed: 24,
          lossAt: (step: number, noise: number) => {
            level = 0.98 * level + 0.01 * noise;
            return falling(step) + level;
          },
        };
      })(),
    ),
  ];
}
