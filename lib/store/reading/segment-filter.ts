import { integerText } from '../postgres/integer-text';
import type { Segment } from '../runs/trajectory';

const RUN_KEY = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Numbers as an SQL array. */
function arrayLiteral(type: 'smallint' | 'int' | 'bigint', values: Iterable<number>): string {
  return `'{${Array.from(values, integerText).join(',')}}'::${type}[]`;
}

/** The run as an SQL literal. COPY takes no parameters, so what is no key stops here. */
export function runLiteral(runKey: string): string {
  if (!RUN_KEY.test(runKey)) throw new TypeError('not the key of a run');
  return `'${runKey}'::uuid`;
}

/** Rows of one segment, as a range of every primary key of the hot path. */
export function segmentFilter(runKey: string, { attempt, fromStep, toStep }: Segment): string {
  return `run = ${runLiteral(runKey)} AND attempt = ${integerText(attempt)} AND step BETWEEN ${integerText(fromStep)} AND ${integerText(toStep)}`;
}

/** Segments as a relation `segment (attempt, from_step, to_step)`, to be joined laterally. */
export function segmentRelation(segments: readonly Segment[]): string {
  const attempts = segments.map(({ attempt }) => attempt);
  const fromSteps = segments.map(({ fromStep }) => fromStep);
  const toSteps = segments.map(({ toStep }) => toStep);
  return `unnest(${arrayLiteral('int', attempts)}, ${arrayLiteral('bigint', fromSteps)}, ${arrayLiteral('bigint', toSteps)}) AS segment (attempt, from_step, to_step)`;
}
