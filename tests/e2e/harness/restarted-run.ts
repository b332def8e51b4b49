import { postJson } from './training-job';

/** What stages are read from, as of a layer that nothing is the matter with. */
const HEALTHY = {
  gradient_norm: 0.5,
  second_moment_below_epsilon_fraction: 0.01,
  update_std: 0.25,
  ratio_std: 0.26,
  update_dip: 0.01,
  ratio_dip: 0.01,
  gradient_cosine: 0.1,
  rms: 0.9,
} as const;

const RESTARTED_LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'h.1.attn', 'h.1.mlp', 'lm_head'];
/** Steps that the first attempt had, and where the second one took over. */
const FIRST_STEPS = 160;
export const RESUMED_FROM = 120;
export const LAST_STEP = 199;
/** The job's clock at step 0: 13:00 UTC. */
const STARTED_AT = Date.UTC(2026, 10, 22, 13, 0, 0) / 1000;
/** Between the end of the first attempt and the first step of the second. */
const PAUSE_SECONDS = 1800;

/** Unix seconds of a step, by the job’s clock. */
export const secondsOf = (attempt: number, step: number): number =>
  attempt === 1
    ? STARTED_AT + 2 * step
    : STARTED_AT + 2 * FIRST_STEPS + PAUSE_SECONDS + 2 * (step - RESUMED_FROM);

/** From here on the second moments of one layer of the second attempt lie below ε. */
const VANISHES_AT = 170;
const VANISHING_LAYER = 2;
const VANISHED: Readonly<Record<string, number>> = {
  second_moment_below_epsilon_fraction: 0.9,
  update_std: 0.005,
};

/** The second attempt has gradients of ten times the size. */
function layersOf(attempt: number, step: number): Record<string, number[]> {
  const wave = (layer: number) => 1 + 0.2 * Math.sin(step / 3 + layer);
  return Object.fromEntries(
    Object.entries(HEALTHY).map(([name, value]) => [
      name,
      RESTARTED_LAYERS.map((_, layer) => {
        if (name === 'gradient_norm') return value * wave(layer) * (attempt === 1 ? 1 : 10);
        const hasVanished = attempt === 2 && step >= VANISHES_AT && layer === VANISHING_LAYER;
        return hasVanished ? (VANISHED[name] ?? value) : value;
      }),
    ]),
  );
}

/**
 * A run with all that a timeline can hold: two attempts with half an hour between them, wall
 * times, the stability ratio, a checkpoint, a skipped batch and a note.
 */
export async function postRestartedRun(url: string, id: string): Promise<void> {
  const run = {
    project: 'restarted',
    id,
    name: `run ${id}`,
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
    layers: RESTARTED_LAYERS.map((name, depth) => ({ name, depth, parameterCount: 4096 })),
  };
  const post = (attempt: number, from: number, to: number) =>
    postJson(`${url}/api/v1/runs/${id}/frames`, {
      attempt,
      frames: Array.from({ length: to - from + 1 }, (_, i) => ({
        step: from + i,
        loss: 4 * Math.exp(-(from + i) / 120) + (attempt === 1 ? 0.5 : 0.2),
        wallTime: secondsOf(attempt, from + i),
        scalars: {
          learning_rate: 1e-3,
          ...((from + i) % 10 === 0 ? { stability_ratio: 0.4 + (from + i) / 500 } : {}),
        },
        layers: layersOf(attempt, from + i),
      })),
    });
  await postJson(`${url}/api/v1/runs`, run);
  await post(1, 0, FIRST_STEPS - 1);
  for (const [step, kind, title] of [
    [100, 'checkpoint', 'Checkpoint 100'],
    [40, 'batch_skip', 'Batch 40 skipped'],
    [60, 'note', 'Data order changed'],
  ] as const) {
    await postJson(`${url}/api/v1/runs/${id}/events`, { step, kind, title });
  }
  await postJson(`${url}/api/v1/runs`, { ...run, resumeFromStep: RESUMED_FROM });
  await post(2, RESUMED_FROM, LAST_STEP);
  await postJson(`${url}/api/v1/runs/${id}/finish`, { status: 'finished' });
}
