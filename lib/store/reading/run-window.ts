/**
 * A run and what there is to read of it, in one round trip where the run is as it was when it
 * was last read: the queries that follow from what was known then go along with those that
 * read the run. Their answers count if it is as it was, or if the same queries follow from
 * what was read. So what is remembered is a guess and needs nobody to keep it true.
 */
import type { PreparedQuery } from '../postgres/prepared-read';
import { type ReadableRun, recallRun, runQueries } from './readable-run';
import type { RowReader } from '../postgres/snapshot';
import {
  type StepWindow,
  type WindowQueries,
  type WindowQuery,
  windowQueries,
} from './step-window';

export interface RunWindow {
  readonly run: ReadableRun;
  /** What `ask` said of it. */
  readonly asked: WindowQuery;
  readonly window: StepWindow;
}

/**
 * `ask` says what of the run is read, and is called once or twice; what it throws about the
 * run as it is, is thrown. `others` are answered too, in the first round trip.
 *
 * Returns  null for a run that does not exist
 */
export async function findRunWindow(
  reader: RowReader,
  runKey: string,
  ask: (run: ReadableRun) => WindowQuery,
  others: readonly PreparedQuery[] = [],
): Promise<RunWindow | null> {
  const guessed = guessQueries(runKey, ask);
  const ofRun = runQueries(runKey);
  await reader.readAll([...ofRun.queries, ...others, ...(guessed?.of.queries ?? [])]);
  const run = ofRun.run();
  if (run === null) return null;
  if (guessed?.run === run) {
    return { run, asked: guessed.asked, window: guessed.of.window(run) };
  }

  const asked = ask(run);
  const right = windowQueries(run, asked);
  if (guessed !== null && areSame(guessed.of.queries, right.queries)) {
    return { run, asked, window: guessed.of.window(run) };
  }
  await reader.readAll(right.queries);
  return { run, asked, window: right.window(run) };
}

interface Guess {
  readonly run: ReadableRun;
  readonly asked: WindowQuery;
  readonly of: WindowQueries;
}

function guessQueries(runKey: string, ask: (run: ReadableRun) => WindowQuery): Guess | null {
  const run = recallRun(runKey);
  if (run === null) return null;
  try {
    const asked = ask(run);
    return { run, asked, of: windowQueries(run, asked) };
  } catch {
    // Asked for what was not there then. Whether it is now, the next call of `ask` says.
    return null;
  }
}

function areSame(a: readonly PreparedQuery[], b: readonly PreparedQuery[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      ({ sql, values }, index) =>
        sql === b[index]?.sql &&
        values.length === b[index].values.length &&
        values.every((value, at) => value === b[index]?.values[at]),
    )
  );
}
