/**
 * Which attempt's steps count where. A restarted job repeats steps in a new attempt; the
 * effective trajectory follows the newest attempt from its resume point on, and an older
 * one only below every newer one's.
 */
import { AppError } from '../../contract/app-error';
import type { AttemptSelector } from '../../contract/reads';
import type { Database } from '../database';
import type { RunAttempt, RunOutline } from './run-context';

/** Steps `fromStep`…`toStep`, both inclusive, of one attempt. */
export interface Segment {
  readonly attempt: number;
  readonly fromStep: number;
  readonly toStep: number;
}

export interface StepRange {
  readonly fromStep?: number | undefined;
  readonly toStep?: number | undefined;
}

/** Ascending in steps, without overlap; a hidden attempt has no segment. */
export function effectiveSegments(attempts: readonly RunAttempt[]): Segment[] {
  const segments: Segment[] = [];
  let end = Number.MAX_SAFE_INTEGER;
  for (const { attempt, resumeFromStep } of attempts.toReversed()) {
    if (resumeFromStep <= end) segments.push({ attempt, fromStep: resumeFromStep, toStep: end });
    end = Math.min(end, resumeFromStep - 1);
  }
  return segments.reverse();
}

/**
 * The segments that a query reads, in ascending order of attempt, cut to the range.
 * With `all` they may overlap.
 *
 * Throws  AppError `attempt_not_found`
 */
export function selectSegments(
  run: Pick<RunOutline, 'id' | 'attempts'>,
  selector: AttemptSelector,
  { fromStep = 0, toStep = Number.MAX_SAFE_INTEGER }: StepRange,
): Segment[] {
  return segmentsOf(run, selector)
    .map((segment) => ({
      attempt: segment.attempt,
      fromStep: Math.max(segment.fromStep, fromStep),
      toStep: Math.min(segment.toStep, toStep),
    }))
    .filter((segment) => segment.fromStep <= segment.toStep);
}

function segmentsOf(
  { id, attempts }: Pick<RunOutline, 'id' | 'attempts'>,
  selector: AttemptSelector,
): Segment[] {
  if (selector === 'effective') return effectiveSegments(attempts);
  const chosen =
    selector === 'all' ? attempts : attempts.filter(({ attempt }) => attempt === selector);
  if (chosen.length === 0) {
    throw new AppError('attempt_not_found', `run ${id} has no attempt ${selector}`);
  }
  return chosen.map(({ attempt }) => ({
    attempt,
    fromStep: 0,
    toStep: Number.MAX_SAFE_INTEGER,
  }));
}

/**
 * The newest stored step of the effective trajectory; null before the first. Reads the end
 * of one range of the primary key, of further attempts only where the newest have no steps.
 */
export async function findTrajectoryEnd(
  db: Database,
  run: Pick<RunOutline, 'runKey' | 'attempts'>,
): Promise<number | null> {
  for (const { attempt, fromStep, toStep } of effectiveSegments(run.attempts).reverse()) {
    const { rows } = await db.pool.query<{ step: string }>(
      `SELECT step FROM step WHERE run = $1 AND attempt = $2 AND step BETWEEN $3 AND $4
       ORDER BY step DESC LIMIT 1`,
      [run.runKey, attempt, fromStep, toStep],
    );
    const step = rows[0]?.step;
    if (step !== undefined) return Number(step);
  }
  return null;
}
