/** What a comparison says first. */
import type { Bucket } from '../../contract/reads';
import { compareMovers, compareStages, type NamedSide } from './compared-findings';
import { formatFactor, formatNumber, formatStep } from '../text/format-number';

export interface ComparedCourse extends NamedSide {
  readonly side: { readonly runId: string; readonly attempt: number };
  readonly run: { readonly name: string };
  readonly loss: readonly Bucket[];
}

/** By what tells it from the other: the run, the attempt, or the step. */
export function nameSide(course: ComparedCourse, other: ComparedCourse): string {
  const { run, side } = course;
  if (side.runId !== other.side.runId) return run.name;
  return side.attempt === other.side.attempt
    ? `the one at ${formatStep(course.step)}`
    : `attempt ${side.attempt}`;
}

/** The highest loss of both, and what moved first in each. */
export function describeComparison(
  left: ComparedCourse,
  right: ComparedCourse,
): { readonly sentence: string; readonly detail: string } {
  const [nameLeft, nameRight] = [nameSide(left, right), nameSide(right, left)];
  const [peakLeft, peakRight] = [peakOf(left), peakOf(right)];
  return {
    sentence:
      peakLeft === null || peakRight === null
        ? `${capital(nameLeft)} and ${nameRight} on one axis.`
        : `Loss up to ${formatNumber(peakLeft)} in ${nameLeft}, ${formatNumber(peakRight)} in ${nameRight}${factorWords(peakLeft, peakRight)}.`,
    detail: `${capital(
      [describeShared(left, right), describeStages(left, right)]
        .filter((part) => part !== '')
        .join('; '),
    )}.`,
  };
}

/** From 0 on, in the window that was read: what came before may be the start of training. */
function peakOf({ loss, step }: ComparedCourse): number | null {
  const values = loss.flatMap(({ toStep, max }) => (toStep >= step && max !== null ? [max] : []));
  return values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b), -Infinity);
}

function factorWords(left: number, right: number): string {
  if (left <= 0 || right <= 0 || left === right) return '';
  const factor = Math.max(left, right) / Math.min(left, right);
  return factor < 1.05 ? '' : ` (${formatFactor(factor)})`;
}

function describeShared(left: ComparedCourse, right: ComparedCourse): string {
  if (left.spike === null && right.spike === null) return 'no spike begins at either step';
  if (left.spike === null || right.spike === null) {
    const quiet = left.spike === null ? left : right;
    const other = left.spike === null ? right : left;
    return `no spike begins at ${formatStep(quiet.step)} of ${nameSide(quiet, other)}`;
  }
  const rows = compareMovers(left, right);
  const both = rows.filter((row) => row.left !== null && row.right !== null).length;
  if (rows.length === 0) return 'no layer moved first in either';
  return `${formatStep(both)} of ${formatStep(rows.length)} first movers are the same`;
}

function describeStages(left: ComparedCourse, right: ComparedCourse): string {
  const { different, sameCount, isKnown } = compareStages(left, right);
  if (!isKnown) return '';
  if (different.length === 0) {
    return sameCount === 0
      ? ''
      : `${formatStep(sameCount)} layers stand in the same stages at 0, none in another`;
  }
  return `${formatStep(different.length)} of ${formatStep(different.length + sameCount)} layers stand in different stages at 0`;
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
