import { join } from 'node:path';
import { ROOT } from './product';
import { runProgram } from './snippets';

export const RECORDED_RUNS = ['B_spontaneous_spike', 'C_stale_v'] as const;
export type RecordedRun = (typeof RECORDED_RUNS)[number];

/** Sends a recorded run to the product as `npm run import` does; its id is its name. */
export async function importRecordedRun(
  url: string,
  name: RecordedRun,
  project = 'char-lm',
): Promise<void> {
  const file = join(ROOT, 'tests/fixtures/recorded', `${name}.jsonl.gz`);
  await runProgram(process.execPath, [
    ...['--import', 'tsx', join(ROOT, 'workers/launcher/tools/import.ts'), file],
    ...['--url', url, '--project', project, '--id', name],
  ]);
}
