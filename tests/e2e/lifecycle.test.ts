import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { findLoopbackPort } from '@/workers/launcher/loopback-port';
import {
  listProcesses,
  makeDataDir,
  spawnLauncher,
  PRODUCT_PARTS,
  startProduct,
  type Product,
} from './harness/product';
import { runProgram } from './harness/snippets';
import { quietFrames, startJob } from './harness/training-job';

const { dataDir, remove } = makeDataDir();
let product: Product | null = null;

afterEach(async () => {
  await product?.stop();
  product = null;
});
afterAll(remove);

async function readRun(url: string, runId: string): Promise<{ status: number; lastStep: unknown }> {
  const reply = await fetch(`${url}/api/v1/runs/${runId}`);
  const body = (await reply.json()) as { lastStep?: unknown };
  return { status: reply.status, lastStep: body.lastStep };
}

/** Runs the launcher to its end, for starts that are refused. */
async function runLauncher(port: number, environment: Record<string, string>) {
  const launcher = spawnLauncher({ dataDir, port, environment });
  let output = '';
  launcher.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  launcher.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(launcher, 'close');
  return { code: launcher.exitCode, output };
}

describe('starting and stopping', () => {
  it('leaves no process behind after Ctrl-C, and has its data after a restart', async () => {
    product = await startProduct({ dataDir });
    const job = await startJob({ url: product.url, runId: 'kept', layers: ['embedding', 'head'] });
    await job.post(quietFrames(1, 20, 2));
    const parts = PRODUCT_PARTS.map(product.pidOf);
    const { pid } = product;

    expect(await product.stop('SIGINT')).toBe(0);
    const left = () =>
      listProcesses().filter(
        (item) => parts.includes(item.pid) || item.parent === pid || item.command.includes(dataDir),
      );
    // What was killed ends when the machine comes to it.
    await expect.poll(left).toEqual([]);

    product = await startProduct({ dataDir });
    expect(await readRun(product.url, 'kept')).toEqual({ status: 200, lastStep: 20 });
  });

  it('stops every part when the launcher is killed, and starts on its data again', async () => {
    const killed = await startProduct({ dataDir });
    const parts = PRODUCT_PARTS.map(killed.pidOf);
    await killed.stop('SIGKILL');
    const isAnyLeft = () => {
      const pids = new Set(listProcesses().map(({ pid, command }) => (command === '' ? 0 : pid)));
      return parts.some((pid) => pids.has(pid));
    };
    await expect.poll(isAnyLeft, { timeout: 60_000, interval: 200 }).toBe(false);

    product = await startProduct({ dataDir });
    expect((await fetch(`${product.url}/readyz`)).status).toBe(200);
  });

  it('stops when npm is asked to, which does not pass it on', async () => {
    const throughNpm = await startProduct({ dataDir, isThroughNpm: true });
    // Resolves when nobody holds the launcher's output any more.
    await throughNpm.stop('SIGTERM');
    const left = () => listProcesses().filter(({ command }) => command.includes(dataDir));
    await expect.poll(left).toEqual([]);
    await expect(fetch(throughNpm.url)).rejects.toThrow();
  });

  it('starts a part again that died, says so, and serves on', async () => {
    product = await startProduct({ dataDir });
    for (const part of ['web', 'database', 'api'] as const) {
      const said = product.output().length;
      process.kill(product.pidOf(part), 'SIGKILL');
      await product.said(
        part === 'database' ? 'The database is back' : `[${part}] started again`,
        said,
      );
      const { url } = product;
      const isReady = () =>
        fetch(`${url}/readyz`).then(
          ({ status }) => status,
          () => 0,
        );
      await expect.poll(isReady, { timeout: 60_000, interval: 200 }).toBe(200);
    }
  });

  it('greets with commands that work as printed', async () => {
    product = await startProduct({ dataDir });
    const commands = /^ {2}curl[\s\S]*?\}'$/gm;
    const printed = product.output().match(commands) ?? [];
    expect(printed).toHaveLength(2);
    const answers = [];
    for (const command of printed) answers.push(await runProgram('/bin/sh', ['-c', command]));
    expect(JSON.parse(answers[0]!)).toMatchObject({ id: 'hello', attempt: 1 });
    expect(JSON.parse(answers[1]!)).toMatchObject({ accepted: 1, rejected: [] });
  });
});

describe('refusing to start', () => {
  it('names PORT when something listens there already', async () => {
    const squatter = createServer();
    squatter.listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const { code, output } = await runLauncher(port, {});
    squatter.close();
    expect(code).toBe(1);
    expect(output).toContain(`PORT=${port} is in use on 127.0.0.1`);
    expect(output).not.toContain('    at ');
  });

  it('does not serve the network without tokens', async () => {
    const { code, output } = await runLauncher(await findLoopbackPort(), { HOST: '0.0.0.0' });
    expect(code).toBe(1);
    expect(output).toContain('SPIKESCOPE_REQUIRE_TOKENS');
    expect(output).not.toContain('    at ');
  });

  it('does not start twice on the same data', async () => {
    product = await startProduct({ dataDir });
    const { code, output } = await runLauncher(await findLoopbackPort(), {});
    expect(code).toBe(1);
    expect(output).toContain(`${dataDir} is in use by process ${product.pid}`);
    expect(output).toContain('SPIKESCOPE_DATA_DIR');
    expect(output).not.toContain('    at ');
  });
});
