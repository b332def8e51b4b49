import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface TrainingOrder {
  readonly url: string;
  readonly runId: string;
  readonly layers: number;
  readonly firstStep: number;
  readonly posts: number;
  readonly postsPerSecond: number;
  /** Sockets that watch the run beside the page. */
  readonly viewers: number;
}

export interface TrainingReport {
  /** When each step's post was begun, in milliseconds since 1970. */
  readonly sent: readonly (readonly [step: number, atMs: number])[];
  readonly acknowledgedMs: readonly number[];
  readonly viewerMessages: number;
}

export interface Training {
  /** Resolves with the report once all is posted. */
  readonly done: Promise<TrainingReport>;
  /** Posts no more. */
  stop(): void;
}

/** Begins to post; resolves when the other viewers are connected. */
export async function startTraining(order: TrainingOrder): Promise<Training> {
  const child = fork(fileURLToPath(new URL('training-side.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
  });
  const died = once(child, 'exit').then(([code]) => {
    throw new Error(`the training side ended with ${String(code)}`);
  });
  died.catch(() => undefined);
  child.send(order);
  await Promise.race([once(child, 'message'), died]);
  const done = once(child, 'message').then(([report]) => report as TrainingReport);
  return {
    done: Promise.race([done, died]),
    stop: () => {
      if (child.connected) child.send('stop');
    },
  };
}
