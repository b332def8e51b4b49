/**
 * A recording into a run: steps in the order of the file, each attempt of the file an
 * attempt of the run. Importing the same file again changes nothing: an attempt that the
 * run has already is posted into again, and the server counts duplicates.
 */
import { type Client, type StartRun } from '../../../../clients/typescript/create-client';
import type { RunCounts, RunHandle } from '../../../../clients/typescript/run-handle';
import { type Run, runSchema } from '../../../../lib/contract/runs';
import type { Recording } from './read-recording';
import type { RecordedStep } from './recorded-line';

/** As fast as the server takes it, so many steps a second, or at the recorded pace. */
export type Pace =
  | { readonly kind: 'unlimited' }
  | { readonly kind: 'steps_per_second'; readonly stepsPerSecond: number }
  | { readonly kind: 'recorded' };

export interface ImportSettings {
  readonly run: Pick<StartRun, 'project' | 'name' | 'tags'> & { readonly id: string };
  readonly pace: Pace;
}

export interface ImportDependencies {
  readonly client: Client;
  /** One line for a person. */
  readonly say: (message: string) => void;
  /** Resolves after so many milliseconds, or earlier when the import is stopped. */
  readonly wait: (durationMs: number) => Promise<void>;
  readonly now: () => number;
  readonly isStopped: () => boolean;
}

export interface ImportReport {
  readonly counts: RunCounts;
  /** Lines that are no step. */
  readonly faultCount: number;
  readonly attemptCount: number;
  readonly url: string | null;
}

/** Said of faults; the rest are counted. */
const SAID_FAULTS = 5;
/** A pause in the recording longer than this is not waited for. */
const LONGEST_PAUSE_MS = 10_000;

/** What keeps an import from beginning; its message is for the person who asked for it. */
export class ImportRefused extends Error {}

/** Throws  ImportRefused when the server cannot be reached, refuses, or has ended the run */
export async function importRecording(
  recording: Recording,
  settings: ImportSettings,
  dependencies: ImportDependencies,
): Promise<ImportReport> {
  const existing = await findRun(dependencies.client, settings.run.id);
  if (existing !== null && existing.status !== 'running') {
    throw new ImportRefused(
      `Run ${existing.id} is already there and ${existing.status}: nothing was imported. ` +
        'Another --id imports the file once more.',
    );
  }
  const importer = new Importer(recording, settings, dependencies, existing);
  return importer.run();
}

async function findRun(client: Client, id: string): Promise<Run | null> {
  const outcome = await client.get(`/api/v1/runs/${encodeURIComponent(id)}`);
  if (outcome.kind === 'done') {
    const run = runSchema.safeParse(outcome.body);
    if (run.success) return run.data;
    throw new ImportRefused(
      'The server’s answer is not Spikescope’s: is --url (or SPIKESCOPE_URL) right?',
    );
  }
  if (outcome.code === 'run_not_found') return null;
  if (outcome.code === 'unauthorized' || outcome.code === 'forbidden') {
    throw new ImportRefused(
      'An import looks for the run and posts into it: --token, or SPIKESCOPE_TOKEN, needs a token of scope admin for the project ' +
        `(${outcome.message})`,
    );
  }
  throw new ImportRefused(`The server cannot be asked: ${outcome.message} (${outcome.code})`);
}

class Importer {
  private readonly handles: RunHandle[] = [];
  private readonly remarks = new Set<string>();
  private fileAttempt: number | null = null;
  private faultCount = 0;
  private lastSentMs: number | null = null;
  private lastWallTime: number | null = null;

  constructor(
    private readonly recording: Recording,
    private readonly settings: ImportSettings,
    private readonly dependencies: ImportDependencies,
    private readonly existing: Run | null,
  ) {}

  async run(): Promise<ImportReport> {
    const { say, isStopped } = this.dependencies;
    for await (const item of this.recording.items) {
      if (isStopped()) break;
      if (item.kind === 'fault') {
        this.faultCount += 1;
        if (this.faultCount <= SAID_FAULTS) say(`line ${item.lineNumber}: ${item.message}`);
        continue;
      }
      await this.send(item.step);
    }
    const handle = this.handles.at(-1);
    if (handle !== undefined) {
      // A stopped import leaves the run open, so that the same command can complete it.
      if (isStopped()) await handle.flush();
      else await handle.finish('finished', 60_000);
    }
    return {
      counts: addCounts(this.handles.map(({ counts }) => counts)),
      faultCount: this.faultCount,
      attemptCount: this.handles.length,
      url: handle?.url ?? null,
    };
  }

  private async send(step: RecordedStep): Promise<void> {
    for (const remark of step.remarks) {
      if (this.remarks.has(remark)) continue;
      this.remarks.add(remark);
      this.dependencies.say(remark);
    }
    const handle = await this.handleFor(step);
    await this.keepPace(step);
    if (this.dependencies.isStopped()) return;
    await handle.whenRoom();
    // A replay happens now; an import happened when it was recorded.
    const isReplay = this.settings.pace.kind !== 'unlimited';
    handle.log({ ...step.frame, ...(isReplay ? {} : { wallTime: step.wallTime }) });
  }

  private async handleFor(step: RecordedStep): Promise<RunHandle> {
    const current = this.handles.at(-1);
    if (current !== undefined && step.attempt === this.fileAttempt) return current;
    // The steps before a restart are stored before the attempt that hides some of them.
    await current?.flush(60_000);
    this.fileAttempt = step.attempt;
    const handle = this.open(step);
    this.handles.push(handle);
    if (!(await handle.whenOpen())) {
      throw new ImportRefused(`Run ${this.settings.run.id} could not be opened; see above.`);
    }
    return handle;
  }

  private open({ frame }: RecordedStep): RunHandle {
    const { client } = this.dependencies;
    const { description, layers } = this.recording;
    const run = {
      ...this.settings.run,
      optimizer: description.optimizer,
      config: description.config,
      layers,
      // One that breaks off leaves the run open, so that the same command can complete it.
      endsWithProcess: false,
    };
    const index = this.handles.length;
    const known = this.existing?.attempts[index];
    if (index === 0) return client.startRun({ ...run, attempt: known?.attempt });
    if (known?.resumeFromStep === frame.step) {
      return client.startRun({ ...run, attempt: known.attempt });
    }
    return client.startRun({ ...run, resumeFromStep: frame.step });
  }

  private async keepPace({ wallTime }: RecordedStep): Promise<void> {
    const { pace } = this.settings;
    const { now, wait } = this.dependencies;
    const previousMs = this.lastSentMs;
    if (previousMs !== null) {
      const dueMs = previousMs + this.intervalMs(pace, wallTime);
      if (dueMs > now()) await wait(dueMs - now());
      // From when it was due, not from when the timer came: the pace holds on average.
      this.lastSentMs = Math.max(dueMs, now() - LONGEST_PAUSE_MS);
    } else this.lastSentMs = now();
    this.lastWallTime = wallTime;
  }

  private intervalMs(pace: Pace, wallTime: number | null): number {
    switch (pace.kind) {
      case 'unlimited':
        return 0;
      case 'steps_per_second':
        return 1000 / pace.stepsPerSecond;
      case 'recorded': {
        if (wallTime === null || this.lastWallTime === null) return 1000;
        return Math.min(LONGEST_PAUSE_MS, Math.max(0, (wallTime - this.lastWallTime) * 1000));
      }
    }
  }
}

function addCounts(all: readonly RunCounts[]): RunCounts {
  const sum = (key: keyof RunCounts) => all.reduce((total, counts) => total + counts[key], 0);
  return {
    logged: sum('logged'),
    accepted: sum('accepted'),
    duplicates: sum('duplicates'),
    rejected: sum('rejected'),
    dropped: sum('dropped'),
    queued: sum('queued'),
    keptOnDisk: sum('keptOnDisk'),
    samplesPosted: sum('samplesPosted'),
    samplesRefused: sum('samplesRefused'),
    retries: sum('retries'),
  };
}
