/**
 * Every way in which a process ends, so that a run is not left open and no step is lost:
 *
 *   nothing left to do    finished; waited for, as long as EXIT_TIMEOUT_MS
 *   SIGTERM, SIGINT       stopped; only where the job has no handler of its own
 *   process.exit, a throw no time for the network: what waits goes to disk, with the end of the run
 *   SIGKILL, a power cut  what was on disk is delivered by the next process or by `spikescope sync`
 *
 * All runs of a process share one deadline. A worker thread that ends by itself does so as a
 * process; one over which the process exits, or that is terminated, is told nothing.
 */
import { isMainThread } from 'node:worker_threads';
import type { FinishStatus } from '../../lib/contract/runs';

/** How long the end of a process may wait for servers; of all runs together, as is the one below. */
const EXIT_TIMEOUT_MS = 15_000;
/** Of the 30 s that Slurm and Kubernetes give before they kill, most is the job's own. */
const SIGNAL_TIMEOUT_MS = 5_000;
/** Ctrl-C reaches a job twice when npm passes it on as well; a person is slower than this. */
const ECHO_MS = 1_000;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** Exit codes of a process that a signal ended, or that answered one by itself. */
const SIGNAL_CODES = [130, 143];

export interface EndingRun {
  /** Delivers what waits and tells the server; what is left by the deadline goes to disk. Never throws. */
  end(status: FinishStatus, deadlineMs: number): Promise<void>;
  /** At once: what waits goes to disk, with the end of the run; null: without one. Never throws. */
  keep(status: FinishStatus | null): void;
  /** At once: what waits goes to disk, and the run goes on. Never throws. */
  spill(): void;
}

const runs = new Set<EndingRun>();
let isListening = false;
let signalledMs: number | null = null;

/** Returns how to take it back. */
export function endWithProcess(run: EndingRun): () => void {
  runs.add(run);
  listen();
  return () => {
    runs.delete(run);
    if (runs.size === 0 && signalledMs === null) forgetSignals();
  };
}

function listen(): void {
  if (!isListening) {
    isListening = true;
    process.on('beforeExit', (code) => {
      void endAll(statusOf(code), EXIT_TIMEOUT_MS);
    });
    process.on('exit', (code) => {
      keepAll(isMainThread || code !== 0 ? statusOf(code) : null);
    });
  }
  // A thread is not told of signals. Looked at again with each run, since they may have been let go.
  if (!isMainThread) return;
  for (const signal of SIGNALS) {
    // First of all, so that a handler that is asked once only is still seen.
    if (!process.listeners(signal).includes(onSignal)) process.prependListener(signal, onSignal);
  }
}

function forgetSignals(): void {
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

function statusOf(code: number): FinishStatus {
  if (code === 0) return 'finished';
  return SIGNAL_CODES.includes(code) ? 'stopped' : 'failed';
}

async function endAll(status: FinishStatus, timeoutMs: number): Promise<void> {
  await Promise.all([...runs].map((run) => run.end(status, timeoutMs)));
}

function keepAll(status: FinishStatus | null): void {
  for (const run of [...runs]) run.keep(status);
}

function onSignal(signal: NodeJS.Signals): void {
  if (countOthers(signal) > 0) {
    // What comes now is the job's to decide. If it is killed in the middle, nothing is lost.
    for (const run of [...runs]) run.spill();
    return;
  }
  const nowMs = performance.now();
  if (signalledMs === null) {
    signalledMs = nowMs;
    void endAll('stopped', SIGNAL_TIMEOUT_MS).then(() => endBy(signal));
  } else if (nowMs - signalledMs > ECHO_MS) {
    // Whoever asks again waits no longer; what is left goes to disk.
    keepAll('stopped');
    endBy(signal);
  }
}

/** As if this listener had never been: the process ends by the signal, and says so. */
function endBy(signal: NodeJS.Signals): void {
  keepAll('stopped');
  forgetSignals();
  process.kill(process.pid, signal);
}

/** Listeners of the job. Those of `signal-exit` end the process only where no other is: as ours do. */
function countOthers(signal: NodeJS.Signals): number {
  return process.listenerCount(signal) - 1 - countPolite();
}

function countPolite(): number {
  const emitters: unknown[] = [
    Reflect.get(process, '__signal_exit_emitter__'),
    Reflect.get(globalThis, Symbol.for('signal-exit emitter')),
  ];
  let count = 0;
  for (const emitter of emitters) {
    const of: unknown =
      typeof emitter === 'object' && emitter !== null ? Reflect.get(emitter, 'count') : 0;
    if (typeof of === 'number') count += of;
  }
  return count;
}
