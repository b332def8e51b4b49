import { say, toSentence } from './reach-product';
import { UsageError } from './usage-error';

/**
 * Runs a tool that works on the database, and ends the process with the status that it returns:
 * 2 for a command line that cannot stand, 1 with a sentence for what a person can mend.
 * Everything is closed by then, but the migration engine leaves a timer of ten seconds behind.
 * What the tool has written is waited for: a pipe takes 64 kB at a time, and to exit would cut
 * off the rest. A reader that goes away, as `head` does, has what it wanted.
 */
export async function runDatabaseTool(work: () => Promise<number>): Promise<void> {
  const outputs = [process.stdout, process.stderr];
  for (const output of outputs) output.on('error', passUnlessClosed);
  try {
    process.exitCode = await work();
  } catch (error) {
    const sentence = error instanceof UsageError ? error.message : toSentence(error);
    if (sentence === null) throw error;
    say(sentence);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
  await Promise.all(outputs.map(untilWritten));
  process.exit();
}

function passUnlessClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** Writes go in order: an empty one is through, or has failed, after all before it. */
function untilWritten(output: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    output.write('', () => {
      resolve();
    });
  });
}
