import { beforeAll, expect, it, vi } from 'vitest';
import { findAccessibilityFaults } from './harness/browser';
import { withDatabase } from './harness/database';
import { openSite } from './harness/site';
import { quietFrames, startJob } from './harness/training-job';

const PROJECT = 'old runs';
const LAYERS = ['first', 'second'];
const STEPS = 2400;

const site = openSite();

beforeAll(async () => {
  const job = await startJob({
    url: site.url,
    runId: 'old',
    project: PROJECT,
    layers: LAYERS,
  });
  for (let step = 0; step < STEPS; step += 800) {
    await job.post(quietFrames(step, 800, LAYERS.length));
  }
  await withDatabase(site.dataDir, async (client) => {
    await client.query(`UPDATE step SET received_at = now() - interval '40 days'`);
    // Two rows of rollups of 1,024 steps: then the blocks below may go.
    await vi.waitFor(
      async () => {
        const { rows } = await client.query<{ rolled: string }>(
          'SELECT count(DISTINCT block) AS rolled FROM metric_rollup WHERE level = 0',
        );
        expect(Number(rows[0]?.rolled)).toBe(2);
      },
      { timeout: 60_000, interval: 200 },
    );
  });
});

it('shows what a policy would let go, and lets it go once that is confirmed', async () => {
  const { page, takeFaults } = await site.openPage();
  await page.goto(site.url);
  const open = page.getByRole('button', { name: `Storage of ${PROJECT}` });
  await open.click();
  const dialog = page.getByRole('dialog', { name: `Storage of ${PROJECT}` });
  const values = dialog.getByLabel('Keep values of layers, days');
  await values.fill('none');
  await dialog
    .getByRole('alert')
    .getByText(/expected whole days from 1 to/)
    .waitFor();
  await expect
    .poll(() => dialog.getByRole('button', { name: 'See what would go' }).isDisabled())
    .toBe(true);

  await values.fill('50');
  await dialog.getByRole('button', { name: 'See what would go' }).click();
  await dialog.getByText(/^Nothing would go\. It takes \d/).waitFor();
  await values.fill('30');
  await dialog.getByRole('button', { name: 'See what would go' }).click();
  await dialog.getByText(/^Would free \d.* of \d.*, in one run:$/).waitFor();
  await dialog.getByText('values of layers of 2\u202f048 steps older than 30 days').waitFor();
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await dialog.getByRole('button', { name: /^Save and free \d/ }).click();
  await dialog.getByText(/^Saved, and \d.* freed\.$/).waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();

  const left = await withDatabase(site.dataDir, async (client) => {
    const { rows } = await client.query<{ first: string; gaps: string }>(
      `SELECT (SELECT min(first_step) FROM metric_block) AS first,
        (SELECT count(DISTINCT (from_step, end_step)) FROM raw_gap) AS gaps`,
    );
    return rows;
  });
  expect(left).toEqual([{ first: '2048', gaps: '1' }]);
  await open.click();
  await expect.poll(() => values.inputValue()).toBe('30');
  expect(takeFaults()).toEqual([]);
});

it('draws what is left where single steps are gone', async () => {
  const { page, takeFaults } = await site.openPage();
  const reply = page.waitForResponse((response) => response.url().includes('/heatmap'));
  await page.goto(`${site.url}/runs/old`);
  expect((await reply).status()).toBe(200);
  await page.getByRole('heading').first().waitFor();
  expect(takeFaults()).toEqual([]);
});
