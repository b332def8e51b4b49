/** `npm run import`: a recorded run through the wire contract; see docs/import.md. */
import { setTimeout } from 'node:timers/promises';
import { createClient } from '../../../clients/typescript/create-client';
import { listenForStop } from '../../../clients/typescript/stop-request';
import { IMPORT_USAGE, parseImportOptions } from './import-recording/import-options';
import { ImportRefused, importRecording } from './import-recording/import-recording';
import { NoRecording, readRecording } from './import-recording/read-recording';
import { UsageError } from './usage-error';

async function main(): Promise<number> {
  const options = parseImportOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    console.log(IMPORT_USAGE);
    return 0;
  }
  const stop = listenForStop(process);
  const client = createClient({ url: options.url, token: options.token, directory: null });
  const recording = await readRecording(options.file);
  console.log(`Importing ${options.file} as run ${options.id} (${recording.layers.length} layers)`);
  const startMs = performance.now();
  const { counts, faultCount, attemptCount, url } = await importRecording(
    recording,
    {
      run: { project: options.project, id: options.id, name: options.name, tags: ['imported'] },
      pace: options.pace,
    },
    {
      client,
      say: (message) => console.log(message),
      wait: (durationMs) =>
        setTimeout(durationMs, undefined, { signal: stop }).catch((error: unknown) => {
          if (!stop.aborted) throw error;
        }),
      now: () => performance.now(),
      isStopped: () => stop.aborted,
    },
  );
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(
    `${counts.logged} steps in ${seconds} s, attempts ${attemptCount}: ${counts.accepted} accepted, ` +
      `${counts.duplicates} duplicates, ${counts.rejected} rejected, ` +
      `${counts.dropped + counts.queued} not sent, ${faultCount} lines that are no step.`,
  );
  if (url !== null) console.log(url);
  const isComplete =
    counts.rejected + counts.dropped + counts.queued + faultCount === 0 && !stop.aborted;
  return isComplete ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isExpected =
    error instanceof ImportRefused ||
    error instanceof NoRecording ||
    error instanceof UsageError ||
    (error instanceof Error && 'code' in error);
  if (!isExpected) throw error;
  console.error(error.message);
  if (error instanceof UsageError) console.error(`\n${IMPORT_USAGE}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
