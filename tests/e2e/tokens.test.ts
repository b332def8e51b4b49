import { join } from 'node:path';
import { io } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { LIVE_NAMESPACE, LIVE_PATH } from '@/lib/contract/live';
import { ROOT } from './harness/product';
import { openSite } from './harness/site';
import { runProgram } from './harness/snippets';
import { quietFrames, startJob } from './harness/training-job';

const site = openSite({ environment: () => ({ SPIKESCOPE_REQUIRE_TOKENS: 'true' }) });

/** `npm run token` as a person runs it; what it prints on stdout. */
async function runTokenTool(...args: string[]): Promise<string> {
  const tool = join(ROOT, 'workers/launcher/run-tool.mjs');
  const command = [process.execPath, tool, 'token', ...args].map((part) => `'${part}'`).join(' ');
  return (
    await runProgram('/bin/sh', ['-c', `SPIKESCOPE_DATA_DIR='${site.dataDir}' ${command}`])
  ).trim();
}
const createToken = (scope: string) =>
  runTokenTool('create', '--project', 'end-to-end', '--scope', scope);

describe('a product that requires tokens', () => {
  it('answers nothing to nobody', async () => {
    for (const path of ['/api/v1/runs', '/api/v1/projects']) {
      expect((await fetch(site.url + path)).status).toBe(401);
    }
    await expect(startJob({ url: site.url, runId: 'x', layers: ['a'] })).rejects.toThrow('401');
  });

  it('takes frames with an ingest token that the running product learns of at once', async () => {
    const token = await createToken('ingest');
    const job = await startJob({ url: site.url, runId: 'guarded', layers: ['a', 'b'], token });
    expect(await job.post(quietFrames(1, 5, 2))).toMatchObject({ accepted: 5 });
  });

  it('leads a browser to the sign-in page, and back to where it wanted to go', async () => {
    const token = await createToken('read');
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/runs/guarded`);
    await page.waitForURL(/\/sign-in/);

    await page.getByLabel(/token/i).fill('sps_not_a_token');
    await page.keyboard.press('Enter');
    await page.getByText('not known').waitFor();

    await page.getByLabel(/token/i).fill(token);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/runs\/guarded/);
    await page.getByText('guarded').filter({ visible: true }).first().waitFor();
    const cookies = await page.context().cookies();
    expect(cookies).toHaveLength(1);
    expect(cookies[0]).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
    expect(takeFaults()).toEqual([]);
  });

  it('lets a browser sign out, from any page', async () => {
    const token = await createToken('read');
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/spikes?sort=lead`);
    await page.waitForURL(/\/sign-in/);
    expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
    await page.getByLabel(/token/i).fill(token);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/spikes\?sort=lead/);

    // What is read is there, so the page listens to keys.
    await page
      .getByText(/^No such spike/)
      .first()
      .waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Search' }).fill('sign out');
    await page.getByRole('option', { name: /sign out/ }).click();
    await page.waitForURL(/\/sign-in\?next=%2Fspikes%3Fsort%3Dlead/);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/\/sign-in$/);
    expect(await page.context().cookies()).toEqual([]);
    await page.goto(`${site.url}/spikes`);
    await page.waitForURL(/\/sign-in\?next=%2Fspikes$/);
    expect(takeFaults()).toEqual([]);
  });

  it('lets no socket in without a token, nor with one that was revoked', async () => {
    const token = await createToken('read');
    expect(await connect({ token })).toBe('connected');
    expect(await connect({})).not.toBe('connected');
    await runTokenTool('revoke', token.split('_')[1]!);
    expect(await connect({ token })).not.toBe('connected');
    const reply = await fetch(`${site.url}/api/v1/runs`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(reply.status).toBe(401);
  });
});

function connect(auth: Record<string, string>): Promise<string> {
  const socket = io(site.url + LIVE_NAMESPACE, {
    path: LIVE_PATH,
    transports: ['websocket'],
    reconnection: false,
    auth,
  });
  return new Promise<string>((resolve) => {
    socket.once('connect', () => resolve('connected'));
    socket.once('connect_error', (error) => resolve(error.message));
  }).finally(() => socket.close());
}
