/** What a read asks for of a long run, and which of the posted steps that means. */
import fc from 'fast-check';
import type { LongRun, LongStep } from './long-runs';

export interface ReadWindow<Reduce extends string> {
  readonly attempt: 'effective' | 'all' | number;
  readonly range: readonly [fromStep: number, toStep: number] | null;
  /** Columns or points. */
  readonly limit: number;
  readonly reduce: Reduce;
  readonly layer: number;
}

export function anyReadWindow<const Reduce extends string>(
  limit: fc.Arbitrary<number>,
  reduces: readonly Reduce[],
): fc.Arbitrary<ReadWindow<Reduce>> {
  return fc.record({
    attempt: fc.constantFrom<'effective' | 'all' | number>('effective', 'effective', 'all', 1),
    range: fc.option(fc.tuple(fc.nat({ max: 4000 }), fc.nat({ max: 40_000 })), { freq: 2 }),
    limit,
    reduce: fc.constantFrom(...reduces),
    layer: fc.nat({ max: 3 }),
  });
}

/** The fields of the contract's queries that say which steps. */
export function stepsQueryOf({ attempt, range }: Pick<ReadWindow<string>, 'attempt' | 'range'>): {
  readonly attempt: 'effective' | 'all' | number;
  readonly fromStep?: number;
  readonly toStep?: number;
} {
  return range === null ? { attempt } : { attempt, fromStep: range[0], toStep: range[1] };
}

export function selectSteps(
  steps: readonly LongStep[],
  { resumeSteps }: LongRun,
  { attempt, range }: Pick<ReadWindow<string>, 'attempt' | 'range'>,
): LongStep[] {
  const [fromStep = 0, toStep = Infinity] = range ?? [];
  return steps.filter((it) => {
    if (it.step < fromStep || it.step > toStep) return false;
    if (attempt === 'all') return true;
    if (attempt !== 'effective') return it.attempt === attempt;
    return resumeSteps.findLastIndex((resume) => resume <= it.step) + 1 === it.attempt;
  });
}
