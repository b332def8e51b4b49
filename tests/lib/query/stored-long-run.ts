/** Long runs on their way into a database. */
import { expect } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import type { Database } from '@/lib/store/database';
import type { FrameWriter } from '@/lib/store/writing/frame-writer';
import { aRun } from '@/tests/builders/run';
import type { LongPost, LongRun } from './long-runs';

/** The run with all of its attempts, none of which has a step. Returns its key. */
export async function createLongRun(
  db: Database,
  id: string,
  { layerCount, resumeSteps }: LongRun,
): Promise<string> {
  const { runKey } = await createRun(db, aRun({ id, layerCount }));
  await db.prisma.attempt.createMany({
    data: resumeSteps.slice(1).map((resumeFromStep, index) => ({
      runKey,
      attempt: index + 2,
      resumeFromStep: BigInt(resumeFromStep),
      optimizer: { name: 'x' },
    })),
  });
  return runKey;
}

export const attemptsOf = ({ resumeSteps }: LongRun): number[] =>
  resumeSteps.map((_, index) => index + 1);

export async function writePosts(
  writer: FrameWriter,
  runKey: string,
  posts: readonly LongPost[],
): Promise<void> {
  const outcomes = await writer.write(
    posts.map(({ attempt, layerOffset, frame }) => ({ runKey, attempt, layerOffset, frame })),
  );
  expect(new Set(outcomes)).toEqual(new Set(posts.length === 0 ? [] : ['stored']));
}
