import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { DetectorContext, StepObservation } from '@/lib/detect/run-detector';
import { dipOfHistogram } from '@/lib/stats/dip-of-histogram';
import { type Histogram, computeHistogramMoments } from '@/lib/stats/histogram-moments';

/** A recorded run as the worker would hand it to the detectors. */
export interface RecordedRun {
  readonly layerNames: readonly string[];
  readonly steps: readonly StepObservation[];
  readonly context: DetectorContext;
}

interface RawHistogram {
  readonly lo: number;
  readonly hi: number;
  readonly bins: number;
  readonly counts: readonly number[];
  readonly under: number;
  readonly over: number;
  readonly undef: number;
}

interface RawLayer {
  readonly name: string;
  readonly n: number;
  readonly [field: string]: unknown;
}

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));

/** Field of the recording → metric of the contract. */
const FIELDS = {
  grad_rms: 'gradient_rms',
  rms_t: 'rms',
  u_std: 'update_std',
  cos_lag1: 'gradient_cosine',
  frac_u_lt_0p01: 'update_small_fraction',
  frac_g_lt_eps: 'gradient_below_epsilon_fraction',
} as const;

function toNumber(value: unknown): number {
  return value === null || value === undefined ? NaN : Number(value);
}

/** `undef` are ratios 0/0, which the contract counts as 0. */
function toHistogram({ lo, hi, bins, counts, under, over, undef }: RawHistogram): Histogram {
  return {
    edges: Float32Array.from({ length: bins + 1 }, (_, i) => lo + ((hi - lo) * i) / bins),
    counts: Uint32Array.from(counts),
    outside: Uint32Array.of(under, over, undef, 0),
  };
}

const loaded = new Map<string, RecordedRun>();

export function loadRecordedRun(name: 'B_spontaneous_spike' | 'C_stale_v'): RecordedRun {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const meta = JSON.parse(readFileSync(`${FIXTURES}recorded/${name}.meta.json`, 'utf8'));
  const lines = gunzipSync(readFileSync(`${FIXTURES}recorded/${name}.jsonl.gz`))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const first: readonly RawLayer[] = lines[0].layers;
  const run: RecordedRun = {
    layerNames: first.map((layer) => layer.name.replace('transformer.', '').replace('.weight', '')),
    context: {
      parameterCounts: first.map(({ n }) => n),
      beta1: meta.config.b1,
      beta2: meta.config.b2,
      epsilon: meta.config.eps,
    },
    steps: lines.map((line): StepObservation => {
      const layers: readonly RawLayer[] = line.layers;
      const column = (valueOf: (layer: RawLayer) => number) => Float32Array.from(layers, valueOf);
      const ratios = layers.map((layer) => toHistogram(layer['r_hist'] as RawHistogram));
      const updates = layers.map((layer) => toHistogram(layer['u_hist'] as RawHistogram));
      return {
        step: line.step,
        scalars: new Map<string, number>([
          ['loss', toNumber(line.loss)],
          ['learning_rate', toNumber(line.lr)],
          ['gradient_norm', toNumber(line.grad_norm)],
        ]),
        layerMetrics: new Map([
          ...Object.entries(FIELDS).map(
            ([field, metric]) => [metric, column((layer) => toNumber(layer[field]))] as const,
          ),
          ['ratio_std', Float32Array.from(ratios, (r) => computeHistogramMoments(r).std)] as const,
          ['ratio_dip', Float32Array.from(ratios, dipOfHistogram)] as const,
          ['update_dip', Float32Array.from(updates, dipOfHistogram)] as const,
        ]),
      };
    }),
  };
  loaded.set(name, run);
  return run;
}

export interface LogRow {
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number | null;
  readonly learningRate: number | null;
  readonly lossScale: number | null;
}

/** A public log of tests/fixtures/real-logs. */
export function loadPublicLog(name: string): LogRow[] {
  const [head = '', ...lines] = readFileSync(`${FIXTURES}real-logs/${name}.csv`, 'utf8')
    .trim()
    .split('\n');
  const columns = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    const cell = (column: string): number | null => {
      const text = cells[columns.indexOf(column)];
      return text === undefined || text === '' ? null : Number(text);
    };
    return {
      step: cell('step') ?? NaN,
      loss: cell('loss') ?? NaN,
      gradientNorm: cell('grad_norm'),
      learningRate: cell('lr'),
      lossScale: cell('loss_scale'),
    };
  });
}
