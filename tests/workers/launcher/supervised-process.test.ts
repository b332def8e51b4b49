import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChildOutput } from '@/workers/launcher/child-output';
import { findListenFault, findLoopbackPort } from '@/workers/launcher/loopback-port';
import { SupervisedProcess, type Ending } from '@/workers/launcher/supervised-process';

const PRELOAD = fileURLToPath(
  new URL('../../../workers/launcher/exit-with-parent.mjs', import.meta.url),
);

let directory: string;
const started: SupervisedProcess[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spikescope-supervised-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.stop(0)));
  rmSync(directory, { recursive: true, force: true });
});

/** Supervises a script that is given on the spot; `said` resolves with a line once it is printed. */
function supervise(script: string) {
  const waiting = new Map<string, () => void>();
  const seen = new Set<string>();
  const deaths: { ending: Ending; restartInMs: number | null }[] = [];
  const output = new ChildOutput({
    logPath: join(directory, 'child.log'),
    showsAll: true,
    show: (line) => {
      seen.add(line);
      waiting.get(line)?.();
    },
  });
  const died = new Promise<void>((resolve) => waiting.set('died', resolve));
  const restarted = new Promise<void>((resolve) => waiting.set('restarted', resolve));
  const supervised = new SupervisedProcess(
    {
      name: 'child',
      nodeArguments: ['--import', PRELOAD, '--input-type=module', '-e', script],
      cwd: directory,
      environment: process.env,
    },
    output,
    {
      onDeath: (ending, restartInMs) => {
        deaths.push({ ending, restartInMs });
        waiting.get('died')?.();
      },
      onRestart: () => waiting.get('restarted')?.(),
    },
  );
  started.push(supervised);
  const said = (line: string) =>
    seen.has(line) ? Promise.resolve() : new Promise<void>((resolve) => waiting.set(line, resolve));
  return { supervised, deaths, died, restarted, said, output };
}

const SERVE = 'setInterval(() => {}, 1000);';

describe('SupervisedProcess', () => {
  it('reports a death during the start and does not start it again', async () => {
    const { supervised, deaths, died, output } = supervise(
      'console.error("no such setting"); process.exit(78);',
    );
    supervised.start();
    await died;
    expect(deaths).toEqual([{ ending: 78, restartInMs: null }]);
    expect(output.tail()).toContain('no such setting');
    expect(supervised.pid).toBeNull();
  });

  it('starts it again once it serves, when it is killed', async () => {
    const { supervised, deaths, restarted, said } = supervise(`console.log('up'); ${SERVE}`);
    supervised.start();
    await said('up');
    supervised.restartFromNowOn();
    const firstPid = supervised.pid!;
    process.kill(firstPid, 'SIGKILL');
    await restarted;
    expect(deaths).toEqual([{ ending: 'SIGKILL', restartInMs: 500 }]);
    expect(supervised.pid).not.toBe(firstPid);
  });

  it('lets it drain when it is stopped, and does not call that a death', async () => {
    const { supervised, deaths, said, output } = supervise(
      `process.on('SIGTERM', () => { console.log('drained'); process.exit(0); }); console.log('up'); ${SERVE}`,
    );
    supervised.start();
    await said('up');
    await supervised.stop(60_000);
    expect(output.tail()).toContain('drained');
    expect(deaths).toEqual([]);
  });

  it('kills what does not drain in time', async () => {
    const { supervised, said } = supervise(
      `process.on('SIGTERM', () => {}); console.log('up'); ${SERVE}`,
    );
    supervised.start();
    await said('up');
    const pid = supervised.pid!;
    await supervised.stop(50);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('is not started again when it is stopped during the pause', async () => {
    const { supervised, died } = supervise('process.exit(1);');
    supervised.restartFromNowOn();
    supervised.start();
    await died;
    await supervised.stop(1000);
    expect(supervised.pid).toBeNull();
  });
});

describe('exit-with-parent', () => {
  it('ends a child whose parent was killed', async () => {
    const childScript = `console.log(process.pid); ${SERVE}`;
    const parentScript = `
      import { spawn } from 'node:child_process';
      spawn(process.execPath, ['--import', ${JSON.stringify(PRELOAD)}, '-e', ${JSON.stringify(childScript)}],
        { detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', parentScript], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const childPid = await new Promise<number>((resolve) =>
      parent.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
    );
    expect(() => process.kill(childPid, 0)).not.toThrow();
    // The child holds the same pipe: it closes when both are gone.
    const bothGone = new Promise((resolve) => parent.stdout.once('close', resolve));
    parent.stdout.resume();
    parent.kill('SIGKILL');
    await bothGone;
  });
});

describe('loopback ports', () => {
  it('tells a port in use from a free one', async () => {
    // No outgoing connection is given it once it is free.
    const port = await findLoopbackPort();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect(await findListenFault(port, '127.0.0.1')).toBe('EADDRINUSE');
    await new Promise((resolve) => server.close(resolve));
    expect(await findListenFault(port, '127.0.0.1')).toBeNull();
  });

  it('finds one outside the range of outgoing connections', async () => {
    const port = await findLoopbackPort();
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_768);
  });
});
