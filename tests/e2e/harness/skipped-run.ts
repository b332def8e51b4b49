import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ROOT } from './product';
import { runProgram } from './snippets';
import { postJson } from './training-job';

const RECORDING = join(ROOT, 'tests/fixtures/recorded/C_stale_v');
/** Run C's bad batch, and the four of another corpus that make its first loss spike. */
const BAD_STEP = 150;
export const SPIKE_STEP = 220;
const RESUMED_FROM = 140;
/** Between the end of the first attempt and the start of the second. */
const PAUSE_SECONDS = 600;
const LAST_OF_FIRST = 300;

interface Line extends Record<string, unknown> {
  readonly step: number;
  readonly wall_time: number;
}

/** Which recorded step each step of the second attempt is: what was skipped is left out. */
function recordedStep(step: number): number {
  if (step < BAD_STEP) return step;
  return step + 1 < SPIKE_STEP ? step + 1 : step + 21;
}

/**
 * Run C as it was recorded up to step 300, then a second attempt from 140 on, of recorded
 * steps too, in which the bad batch and those around the first loss spike were skipped. Each
 * step of it reports the `data_index` that it was recorded with.
 */
export async function importSkippedRun(url: string, id: string, project: string): Promise<void> {
  const lines = gunzipSync(readFileSync(`${RECORDING}.jsonl.gz`))
    .toString('utf8')
    .split('\n')
    .filter((line) => line.length > 0)
    .map((line) => JSON.parse(line) as Line);
  const byStep = new Map(lines.map((line) => [line.step, line]));
  const first = lines.filter(({ step }) => step <= LAST_OF_FIRST);
  const startedAt = first.at(-1)!.wall_time + PAUSE_SECONDS - byStep.get(RESUMED_FROM)!.wall_time;
  const second = Array.from({ length: 150 }, (_, index) => {
    const step = RESUMED_FROM + index;
    const line = byStep.get(recordedStep(step))!;
    return { ...line, step, attempt: 1, wall_time: startedAt + line.wall_time };
  });
  const folder = mkdtempSync(join(tmpdir(), 'spikescope-skipped-'));
  try {
    const file = join(folder, `${id}.jsonl`);
    writeFileSync(file, [...first, ...second].map((line) => JSON.stringify(line)).join('\n'));
    writeFileSync(join(folder, `${id}.meta.json`), readFileSync(`${RECORDING}.meta.json`));
    await runProgram(process.execPath, [
      ...['--import', 'tsx', join(ROOT, 'workers/launcher/tools/import.ts'), file],
      ...['--url', url, '--project', project, '--id', id],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  for (const [attempt, step, kind, title] of [
    [1, RESUMED_FROM - 1, 'checkpoint', 'Checkpoint 139'],
    [2, BAD_STEP, 'batch_skip', 'Batch 150'],
    [2, SPIKE_STEP - 1, 'batch_skip', 'Batches 220 to 239'],
  ] as const) {
    await postJson(`${url}/api/v1/runs/${id}/events`, { attempt, step, kind, title });
  }
}
