import { describe, expect, it } from 'vitest';
import { gotoRun } from './harness/run-page';
import { openSite } from './harness/site';

const site = openSite();

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];
const LEARNING_RATE = 1e-3;

async function post(path: string, value: unknown): Promise<void> {
  const response = await fetch(`${site.url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
  });
  if (!response.ok) throw new Error(await response.text());
}

/** Noise that is the same in every run of the test. */
const noise = (step: number): number => Math.sin(step * 12.9898) * 0.5;

async function postRun(id: string, steps: number, frameAt: (step: number) => object) {
  await post('/runs', {
    id,
    project: 'tests',
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
    layers: LAYERS.map((name) => ({ name, parameterCount: 4096 })),
  });
  const frames = Array.from({ length: steps }, (_, step) => ({
    step,
    learningRate: LEARNING_RATE,
    layers: {
      gradient_norm: LAYERS.map((_, layer) => 10 ** (-1 - 0.3 * layer + 0.1 * noise(step + layer))),
    },
    ...frameAt(step),
  }));
  await post(`/runs/${id}/frames`, { frames });
}

describe('what detectors found, on the run’s page', () => {
  it('is the curvature with its limit, and what may help where it is beyond it', async () => {
    await postRun('sharp', 300, (step) => ({
      loss: 3 + 0.02 * noise(step),
      ...(step % 20 === 0
        ? { scalars: { preconditioned_sharpness: ((0.6 + step / 400) * 38) / LEARNING_RATE } }
        : {}),
    }));
    const { page, takeFaults } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/sharp`);
    const timeline = page.getByRole('img', { name: 'Stability ratio over steps, its limit at 1' });
    await timeline.waitFor({ state: 'attached' });
    const curvature = page.getByRole('region', { name: 'Curvature' });
    await expect.poll(() => curvature.textContent()).toContain('stability ratio 1.30 at 280');
    await expect.poll(() => curvature.textContent()).toContain('a longer warm-up or a lower peak');
    const events = page.getByRole('region', { name: 'Latest events' });
    await expect.poll(() => events.textContent()).toContain('Curvature above 1 at the peak rate');
    await expect
      .poll(() => page.getByRole('region', { name: 'Verdict' }).textContent())
      .toContain('stability ratio up to 1.30');
    expect(takeFaults()).toEqual([]);
  });

  it('is a spike that the gradient norm alone announced, said so in verdict and events', async () => {
    await postRun('announced', 500, (step) => ({
      loss: 3 + 0.02 * noise(step) + (step >= 300 && step < 315 ? 2 : 0),
      gradientNorm: 10 ** (0.03 * noise(step)) * (step >= 298 && step < 300 ? 6 : 1),
    }));
    const { page, takeFaults } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/announced?steps=280-340`);
    const verdict = page.getByRole('region', { name: 'Verdict' });
    await expect
      .poll(() => verdict.textContent())
      .toContain('Only the gradient norm of the whole model left its baseline at 298');
    const words = await verdict.textContent();
    expect(words).toContain('2 steps before the loss rose; no layer moved.');
    expect(words).toMatch(/moved before (any|[\d.]+.%) of \d+ quiet steps/);
    // The second look's area, of a rise of 2 for 15 steps.
    expect(words).toMatch(/excess area(29|30|31)/);
    const events = page.getByRole('region', { name: 'Latest events' });
    await expect
      .poll(() => events.textContent())
      .toContain('Loss spike; the gradient norm led alone');
    expect(takeFaults()).toEqual([]);
  });
});
