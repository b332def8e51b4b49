import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RecordedStep } from '@/workers/launcher/tools/import-recording/recorded-line';
import { readRecording } from '@/workers/launcher/tools/import-recording/read-recording';

/** The recording that docs/tour.md shows: what it says of it is so. */
const RECORDED = 'tests/fixtures/recorded';
const EPSILON = 3e-5;
/** The layer whose distributions the tour shows: h.0.attn_qkv.weight. */
const LAYER = 2;

async function readSteps(name: string) {
  const { layers, description, items } = await readRecording(`${RECORDED}/${name}.jsonl.gz`);
  const steps = new Map<number, RecordedStep['frame']>();
  for await (const item of items) {
    if (item.kind === 'fault') throw new Error(`line ${item.lineNumber}: ${item.message}`);
    steps.set(item.step.frame.step, item.step.frame);
  }
  return { layers, description, steps };
}

type Recorded = Awaited<ReturnType<typeof readSteps>>;

const lossAt = ({ steps }: Recorded, step: number) => steps.get(step)?.scalars?.['loss'] ?? NaN;

function columnAt({ steps }: Recorded, step: number, metric: string): number[] {
  return Array.from(steps.get(step)?.layers?.[metric] ?? [], (value) => value ?? NaN);
}

/** Shares of the values of LAYER between −0.1 and 0.1, and beyond ±0.3. */
function sharesAt({ steps }: Recorded, step: number, kind: 'update' | 'ratio') {
  const histogram = steps.get(step)!.histograms![kind]!;
  const edges = Array.from(histogram.edges);
  const bins = edges.length - 1;
  const counts = Array.from(histogram.counts).slice(LAYER * bins, (LAYER + 1) * bins);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const share = (isIn: (middle: number) => boolean) =>
    counts.reduce((sum, count, bin) => {
      const middle = (edges[bin]! + edges[bin + 1]!) / 2;
      return isIn(middle) ? sum + count / total : sum;
    }, 0);
  return {
    near: share((middle) => Math.abs(middle) < 0.1),
    far: share((middle) => Math.abs(middle) > 0.3),
  };
}

let run: Recorded;
beforeAll(async () => {
  run = await readSteps('loss_spike_none');
});

describe('the run of the tour', () => {
  it('is whole, and says how it was trained', () => {
    expect([...run.steps.keys()]).toEqual(Array.from({ length: 320 }, (_, index) => index + 1));
    expect(run.description.optimizer).toMatchObject({ beta2: 0.95, epsilon: EPSILON });
    expect(run.layers[LAYER]?.name).toBe('h.0.attn_qkv.weight');
    expect(run.layers).toHaveLength(35);
  });

  it('has all gradients below ε before the spike, and the update at 0', () => {
    for (const step of [220, 230, 240]) {
      expect(Math.max(...columnAt(run, step, 'gradient_rms').slice(0, -1))).toBeLessThan(EPSILON);
    }
    const shares = columnAt(run, 251, 'second_moment_below_epsilon_fraction').sort((a, b) => a - b);
    expect(shares[17]).toBeGreaterThan(0.98);
    expect(sharesAt(run, 276, 'update')).toMatchObject({ far: 0 });
    expect(sharesAt(run, 276, 'update').near).toBeGreaterThan(0.9);
  });

  it('rises in the lowest layers a step before the loss, tenfold', () => {
    const before = columnAt(run, 275, 'gradient_norm');
    const at = columnAt(run, 276, 'gradient_norm');
    const rise = at.map((norm, layer) => norm / (before[layer] ?? NaN));
    expect(Math.min(...rise.slice(0, 3))).toBeGreaterThan(8);
    expect(rise[30]).toBeLessThan(3);
    expect(lossAt(run, 276)).toBeLessThan(0.003);
    expect(lossAt(run, 277)).toBeGreaterThan(0.01);
  });

  it('shows two peaks of the ratio first, then of the update, then the spike', () => {
    const ratio = sharesAt(run, 277, 'ratio');
    expect(ratio.far).toBeGreaterThan(2 * ratio.near);
    const update = sharesAt(run, 277, 'update');
    expect(update.near).toBeGreaterThan(update.far);
    expect(sharesAt(run, 278, 'update').far).toBeGreaterThan(0.9);
    expect(lossAt(run, 279)).toBeCloseTo(2.3, 2);
    expect(Math.max(...[...run.steps.keys()].slice(120).map((step) => lossAt(run, step)))).toBe(
      lossAt(run, 279),
    );
  });

  it('stands beside two remedies that left lower spikes', async () => {
    for (const [name, highest] of [
      ['loss_spike_clip', 2.3 / 6],
      ['loss_spike_reset', 2.3 / 9],
    ] as const) {
      const other = await readSteps(name);
      const losses = [...other.steps.keys()].slice(120).map((step) => lossAt(other, step));
      expect(Math.max(...losses)).toBeLessThan(highest);
    }
  });

  it('is the one whose pictures are taken', () => {
    const script = readFileSync('docs/make-tour.mjs', 'utf8');
    const imported = script.match(/fixtures\/recorded\/\S+/g);
    expect(imported).toHaveLength(3);
    expect(script).toContain("const RUN = 'loss_spike_none'");
    expect(readFileSync('docs/tour.md', 'utf8')).toContain(
      'import -- tests/fixtures/recorded/loss_spike_none.jsonl.gz',
    );
  });
});
