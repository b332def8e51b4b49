import { encodeFrames } from '@/lib/contract/encode-frames';
import { postJson } from './training-job';

/** A run too long to be held step by step, and the one cell in it that stands out. */
export interface LongRun {
  readonly url: string;
  readonly id: string;
  readonly layerCount: number;
  readonly stepCount: number;
  readonly extreme: { readonly step: number; readonly layer: number };
}

const EXTREME_VALUE = 1e4;
const STEPS_A_POST = 2000;

/** Every layer near 1, alternating a little from step to step in an order that no bucket hides. */
const quietValue = (step: number, layer: number): number => (((step + layer) & 1) === 0 ? 1 : 1.5);

/** Posts the steps [from, to) of the run in its binary form. */
export async function postSteps(run: LongRun, from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += STEPS_A_POST) {
    const count = Math.min(STEPS_A_POST, to - first);
    const frames = Array.from({ length: count }, (_, index) => {
      const step = first + index;
      return {
        step,
        wallTime: 1.7e9 + step,
        scalars: new Map([
          ['loss', 2 + 1 / (1 + step / 1000)],
          ['gradient_norm', 1],
        ]),
        layerCount: run.layerCount,
        layerMetrics: new Map([
          [
            'gradient_norm',
            Float32Array.from({ length: run.layerCount }, (_, layer) =>
              step === run.extreme.step && layer === run.extreme.layer
                ? EXTREME_VALUE
                : quietValue(step, layer),
            ),
          ],
        ]),
        histograms: new Map(),
        samples: null,
      };
    });
    const reply = await fetch(`${run.url}/api/v1/runs/${run.id}/frames`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/vnd.safetensors' },
      body: encodeFrames(frames),
    });
    if (!reply.ok) throw new Error(`steps from ${first}: ${reply.status} ${await reply.text()}`);
  }
}

export async function startLongRun(run: LongRun): Promise<LongRun> {
  await postJson(`${run.url}/api/v1/runs`, {
    project: 'end-to-end',
    id: run.id,
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    layers: Array.from({ length: run.layerCount }, (_, layer) => ({
      name: `h.${Math.floor(layer / 4)}.${['attn', 'ln_1', 'mlp', 'ln_2'][layer % 4]!}`,
      parameterCount: 4096,
    })),
  });
  await postSteps(run, 0, run.stepCount);
  return run;
}
