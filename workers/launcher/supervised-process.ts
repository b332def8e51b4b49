import { spawn, type ChildProcess } from 'node:child_process';
import type { ChildOutput } from './child-output';
import { HEALTHY_AFTER_MS, restartDelayMs } from './restart-delay';

export interface ProcessDescription {
  readonly name: string;
  /** Arguments of the Node binary that runs the launcher. */
  readonly nodeArguments: readonly string[];
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** How a process ended: its exit code, or the signal that ended it. */
export type Ending = number | NodeJS.Signals;

export function describeEnding(ending: Ending): string {
  return typeof ending === 'number' ? `exit code ${ending}` : ending;
}

export interface SupervisionEvents {
  /** It ended without being asked to; `restartInMs` is null where it is not started again. */
  readonly onDeath: (ending: Ending, restartInMs: number | null) => void;
  readonly onRestart: () => void;
}

const isRunning = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null;

/**
 * One child process in a group of its own: Ctrl-C in a terminal reaches the launcher
 * alone, which then stops its children in order. The channel between them is how a child
 * notices that the launcher is gone (exit-with-parent.mjs).
 */
export class SupervisedProcess {
  readonly #description: ProcessDescription;
  readonly #output: ChildOutput;
  readonly #events: SupervisionEvents;
  #child: ChildProcess | null = null;
  #restart: NodeJS.Timeout | null = null;
  #startedAtMs = 0;
  #deathsInARow = 0;
  #restartsOnDeath = false;
  #isStopping = false;

  constructor(description: ProcessDescription, output: ChildOutput, events: SupervisionEvents) {
    this.#description = description;
    this.#output = output;
    this.#events = events;
  }

  get name(): string {
    return this.#description.name;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    const { nodeArguments, cwd, environment } = this.#description;
    const child = spawn(process.execPath, nodeArguments, {
      cwd,
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#startedAtMs = performance.now();
    if (child.stdout !== null) this.#output.attach(child.stdout, 'stdout');
    if (child.stderr !== null) this.#output.attach(child.stderr, 'stderr');
    // Where the binary itself cannot be started there is no 'exit' event.
    child.once('error', () => this.#ended(child, 127));
    // What it started itself ends with it, or would hold its output open.
    child.once('exit', () => killGroup(child.pid));
    // 'close' and not 'exit': by then its last words have been read.
    child.once('close', (code, signal) => this.#ended(child, signal ?? code ?? 1));
  }

  /** From now on a death is followed by a restart; before, it means that starting failed. */
  restartFromNowOn(): void {
    this.#restartsOnDeath = true;
  }

  #ended(child: ChildProcess, ending: Ending): void {
    if (this.#child !== child) return;
    this.#child = null;
    if (this.#isStopping) return;
    if (performance.now() - this.#startedAtMs > HEALTHY_AFTER_MS) this.#deathsInARow = 0;
    this.#deathsInARow += 1;
    if (!this.#restartsOnDeath) {
      this.#events.onDeath(ending, null);
      return;
    }
    const delayMs = restartDelayMs(this.#deathsInARow);
    this.#events.onDeath(ending, delayMs);
    this.#restart = setTimeout(() => {
      this.#restart = null;
      this.#events.onRestart();
      this.start();
    }, delayMs);
  }

  /** Asks it to drain and end; kills it, and all it started, when the deadline passes. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const child = this.#child;
    if (child === null) return;
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    if (isRunning(child)) child.kill('SIGTERM');
    const killTimer = setTimeout(() => this.kill(), deadlineMs);
    await closed;
    clearTimeout(killTimer);
  }

  /** Ends it and all it started at once. */
  kill(): void {
    this.#isStopping = true;
    killGroup(this.#child?.pid);
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch (error) {
    if (!isNoSuchProcess(error)) throw error;
  }
}

function isNoSuchProcess(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH';
}
