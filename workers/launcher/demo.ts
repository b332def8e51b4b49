import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Environment } from '../../lib/config/config';
import { ChildOutput } from './child-output';
import { describeEnding, SupervisedProcess } from './supervised-process';

const SCRIPT = 'examples/train-transformer.ts';

export interface DemoOptions {
  readonly root: string;
  readonly dataDir: string;
  readonly environment: Environment;
  /** Options of the training job, as in `npm run demo -- --provoke`. */
  readonly demoArguments: readonly string[];
  readonly print: (line: string) => void;
}

/** The run that the arguments name; null where they leave the choice to us. */
export function findRunId(demoArguments: readonly string[]): string | null {
  const { values } = parseArgs({
    args: [...demoArguments],
    options: { 'run-id': { type: 'string' } },
    // The rest is for the training job to judge.
    strict: false,
  });
  return typeof values['run-id'] === 'string' ? values['run-id'] : null;
}

/**
 * The training job of `npm run demo`, not yet started. It trains once: its end, good or
 * bad, is said, and the product goes on serving what it posted.
 */
export function superviseDemo(url: string, options: DemoOptions, now: Date): SupervisedProcess {
  const { root, dataDir, environment, demoArguments, print } = options;
  const runId =
    findRunId(demoArguments) ?? `demo-${now.toISOString().slice(0, 19).replaceAll(':', '-')}`;
  const runUrl = `${url}/runs/${encodeURIComponent(runId)}`;
  const output = new ChildOutput({
    logPath: join(dataDir, 'logs', 'demo.log'),
    showsAll: true,
    show: (line) => print(`[demo] ${line}`),
  });
  print(`A small transformer now trains before your eyes: ${runUrl}\n`);
  return new SupervisedProcess(
    {
      name: 'demo',
      nodeArguments: [
        ...['--import', join(root, 'workers/launcher/exit-with-parent.mjs'), '--import', 'tsx'],
        ...[join(root, SCRIPT), '--url', url, '--checkpoints', join(dataDir, 'checkpoints')],
        ...['--run-id', runId, ...demoArguments],
      ],
      cwd: root,
      environment: { ...environment, NODE_ENV: 'production' },
    },
    output,
    {
      onDeath: (ending) => {
        print(
          ending === 0
            ? `The demo's training has ended; its run stays at ${runUrl}`
            : `The demo's training ended early (${describeEnding(ending)}); Spikescope goes on at ${url}`,
        );
      },
      onRestart: () => undefined,
    },
  );
}
