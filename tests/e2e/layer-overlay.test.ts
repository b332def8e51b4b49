import { beforeAll, describe, expect, it } from 'vitest';
import { queryOf, type PageOptions } from './harness/browser';
import { columnsOf, openLayerOf } from './harness/layer-page';
import { importRecordedRun, RECORDED_RUNS } from './harness/recorded-run';
import { openSite } from './harness/site';
import { startJob } from './harness/training-job';

const [, C] = RECORDED_RUNS;

const site = openSite();
const openLayer = (query?: string, path?: string, options?: PageOptions) =>
  openLayerOf(site, query, path, options);

beforeAll(async () => {
  for (const run of RECORDED_RUNS) await importRecordedRun(site.url, run);
  const bare = await startJob({ url: site.url, runId: 'bare', layers: ['wte', 'lm_head'] });
  await bare.post([{ step: 1, loss: 3, layers: { gradient_norm: [1, 1] } }]);
});

describe('what is laid over', () => {
  it('is another layer of the run, found by its name', async () => {
    const { page, takeFaults } = await openLayer();
    await page.getByRole('button', { name: 'Compare with…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Compare with' });
    await dialog.getByRole('textbox', { name: 'Search layers and runs' }).fill('h.0.attn.c_pr');
    await dialog.getByRole('button', { name: 'h.0.attn.c_proj', exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
    const bar = page.getByRole('group', { name: 'Laid over' });
    await expect.poll(() => bar.textContent()).toContain('Over it: h.0.attn.c_proj');
    await expect
      .poll(() => columnsOf(page).nth(1).textContent())
      .toContain('over it h.0.attn.c_proj');
    await expect.poll(() => queryOf(page).get('withLayer')).toBe('5');
    await bar.getByRole('button', { name: 'Take away' }).click();
    await bar.waitFor({ state: 'hidden' });
    await expect.poll(() => queryOf(page).get('withLayer')).toBeNull();
    expect(takeFaults()).toEqual([]);
  });

  it('is the layer of the same name in another run, or one chosen there', async () => {
    const { page, takeFaults } = await openLayer();
    await page.getByRole('button', { name: 'Compare with…' }).click();
    await page.getByRole('button', { name: new RegExp(`^${C}`) }).click();
    const bar = page.getByRole('group', { name: 'Laid over' });
    await expect.poll(() => bar.textContent()).toContain(`Over it: ${C}, h.0.attn.c_attn`);
    await expect.poll(() => queryOf(page).get('withRun')).toBe(C);
    await bar.getByRole('combobox', { name: 'Layer laid over' }).selectOption('0');
    await expect.poll(() => columnsOf(page).first().textContent()).toContain(`over it ${C}, wte`);
    expect(takeFaults()).toEqual([]);
  });

  it('says why it cannot be', async () => {
    const { page } = await openLayer('?step=317&withRun=bare');
    await page.getByText('It has no layer named transformer.h.0.attn.c_attn.weight').waitFor();
    const { page: second } = await openLayer('?step=317&withRun=nobody');
    await second.getByText(/^Run nobody could not be read/).waitFor();
  });
});
