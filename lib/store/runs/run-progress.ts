/** How far runs have come: read from the ends of primary keys, many runs in one round trip. */
import { stepAfter } from '../../contract/identifiers';
import type { Database } from '../database';
import { hasTimeSql } from '../step-time';
import { effectiveSegments } from './trajectory';
import type { RunAttempt } from './run-context';

/** Steps over which a rate is taken: a second of the fastest jobs, ten minutes of the slowest. */
const RATE_STEPS = 64;
/** Seconds that all of them take at least; in less no job steps, and a rate may overflow. */
const SHORTEST = 1e-6;

export interface RunProgress {
  readonly firstStep: number | null;
  readonly lastStep: number | null;
  readonly nextStep: number;
  readonly lastFrameAt: Date | null;
  /** The newest loss reported within the last steps; NaN and infinities as themselves. */
  readonly lastLoss: number | null;
  readonly stepsPerSecond: number | null;
}

interface SegmentEnds {
  readonly attempt: number;
  readonly first_step: string | null;
  readonly last_step: string | null;
  readonly received_at: Date | null;
  readonly last_loss: number | null;
  readonly rate_steps: string | null;
  readonly rate_seconds: number | null;
}

/**
 * The newest loss, and the steps and seconds of the job's own clock, over the last steps of
 * a range; one row. The four are SQL of the query around it.
 */
export function recentStepsSql(range: {
  readonly run: string;
  readonly attempt: string;
  readonly fromStep: string;
  readonly toStep: string;
}): string {
  return `
    SELECT (array_agg(loss ORDER BY step DESC) FILTER (WHERE loss IS NOT NULL))[1] AS loss,
      max(step) FILTER (WHERE has_time) - min(step) FILTER (WHERE has_time) AS steps,
      nullif(greatest(max(wall_time) FILTER (WHERE has_time) - min(wall_time) FILTER (WHERE has_time),
        ${SHORTEST}), ${SHORTEST}) AS seconds
    FROM (
      SELECT step, loss, wall_time, ${hasTimeSql('step')} AS has_time
      FROM step
      WHERE run = ${range.run} AND attempt = ${range.attempt}
        AND step BETWEEN ${range.fromStep} AND ${range.toStep}
      ORDER BY step DESC LIMIT ${RATE_STEPS}
    ) AS recent_step`;
}

const SEGMENT_ENDS = `
  SELECT segment.run::text, segment.attempt, earliest.step AS first_step, latest.step AS last_step,
    latest.received_at, rate.loss AS last_loss, rate.steps AS rate_steps, rate.seconds AS rate_seconds
  FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[]) AS segment (run, attempt, from_step, to_step)
  LEFT JOIN LATERAL (
    SELECT step FROM step
    WHERE run = segment.run AND attempt = segment.attempt AND step BETWEEN from_step AND to_step
    ORDER BY step LIMIT 1
  ) AS earliest ON true
  LEFT JOIN LATERAL (
    SELECT step, received_at FROM step
    WHERE run = segment.run AND attempt = segment.attempt AND step BETWEEN from_step AND to_step
    ORDER BY step DESC LIMIT 1
  ) AS latest ON true
  LEFT JOIN LATERAL (
    ${recentStepsSql({
      run: 'segment.run',
      attempt: 'segment.attempt',
      fromStep: 'segment.from_step',
      toStep: 'segment.to_step',
    })}
  ) AS rate ON true`;

/** The progress of each run along its effective trajectory, by run key. */
export async function findRunProgress(
  db: Database,
  attemptsOfRuns: ReadonlyMap<string, readonly RunAttempt[]>,
): Promise<ReadonlyMap<string, RunProgress>> {
  const segments = [...attemptsOfRuns].flatMap(([runKey, attempts]) =>
    effectiveSegments(attempts).map((segment) => ({ runKey, ...segment })),
  );
  const { rows } = await db.pool.query<SegmentEnds & { readonly run: string }>(SEGMENT_ENDS, [
    segments.map(({ runKey }) => runKey),
    segments.map(({ attempt }) => attempt),
    segments.map(({ fromStep }) => fromStep),
    segments.map(({ toStep }) => toStep),
  ]);
  const endsOfRuns = new Map<string, SegmentEnds[]>();
  for (const row of rows) endsOfRuns.set(row.run, [...(endsOfRuns.get(row.run) ?? []), row]);
  return new Map(
    [...attemptsOfRuns].map(([runKey, attempts]) => [
      runKey,
      toProgress(attempts, endsOfRuns.get(runKey) ?? []),
    ]),
  );
}

function toProgress(attempts: readonly RunAttempt[], ends: readonly SegmentEnds[]): RunProgress {
  const reported = ends
    .filter((end) => end.last_step !== null)
    .sort((a, b) => Number(a.last_step) - Number(b.last_step));
  const latest = reported.at(-1);
  const newestAttempt = attempts.at(-1);
  const ofNewest = reported.find(({ attempt }) => attempt === newestAttempt?.attempt);
  return {
    firstStep: toStep(reported[0]?.first_step),
    lastStep: toStep(latest?.last_step),
    nextStep:
      ofNewest === undefined
        ? (newestAttempt?.resumeFromStep ?? 0)
        : stepAfter(toStep(ofNewest.last_step) ?? -1),
    lastFrameAt: latest?.received_at ?? null,
    lastLoss: latest?.last_loss ?? null,
    stepsPerSecond: toRate(latest),
  };
}

function toStep(step: string | null | undefined): number | null {
  return step === null || step === undefined ? null : Number(step);
}

function toRate(ends: SegmentEnds | undefined): number | null {
  const seconds = ends?.rate_seconds ?? 0;
  // A job that reports one step, or whose clock stands still, has no rate.
  return seconds > 0 ? Number(ends?.rate_steps ?? 0) / seconds : null;
}

export interface AttemptExtent {
  readonly firstStep: number | null;
  readonly lastStep: number | null;
}

/** First and last stored step of each attempt, hidden ones too. */
export async function findAttemptExtents(
  db: Database,
  runKey: string,
  attempts: readonly { readonly attempt: number }[],
): Promise<ReadonlyMap<number, AttemptExtent>> {
  const { rows } = await db.pool.query<{
    attempt: number;
    first_step: string | null;
    last_step: string | null;
  }>(
    `SELECT attempt,
       (SELECT step FROM step WHERE run = $1 AND step.attempt = asked.attempt ORDER BY step LIMIT 1) AS first_step,
       (SELECT step FROM step WHERE run = $1 AND step.attempt = asked.attempt ORDER BY step DESC LIMIT 1) AS last_step
     FROM unnest($2::int[]) AS asked (attempt)`,
    [runKey, attempts.map(({ attempt }) => attempt)],
  );
  return new Map(
    rows.map((row) => [
      row.attempt,
      { firstStep: toStep(row.first_step), lastStep: toStep(row.last_step) },
    ]),
  );
}
