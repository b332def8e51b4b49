import type { Segment } from './trajectory';

const RUN_KEY = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function integer(value: number): number {
  if (!Number.isSafeInteger(value)) throw new TypeError(`not a safe integer: ${value}`);
  return value;
}

/** The run as an SQL literal. COPY takes no parameters, so what is no key stops here. */
export function runLiteral(runKey: string): string {
  if (!RUN_KEY.test(runKey)) throw new TypeError('not the key of a run');
  return `'${runKey}'::uuid`;
}

/** Rows of one segment, as a range of every primary key of the hot path. */
export function segmentFilter(runKey: string, { attempt, fromStep, toStep }: Segment): string {
  return `run = ${runLiteral(runKey)} AND attempt = ${integer(attempt)} AND step BETWEEN ${integer(fromStep)} AND ${integer(toStep)}`;
}
