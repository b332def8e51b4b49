/** One side of a comparison in a URL: a run, one of its attempts, and the step that is 0. */

export interface ComparedSide {
  readonly runId: string;
  readonly attempt: number;
  readonly step: number;
}

/** No run id holds one. */
const SEPARATOR = '~';

export function writeSide({ runId, attempt, step }: ComparedSide): string {
  return [runId, attempt, step].join(SEPARATOR);
}

/** null for a text that is none. */
export function readSide(text: string | null): ComparedSide | null {
  const [runId = '', attempt = '', step = '', ...rest] = (text ?? '').split(SEPARATOR);
  if (runId === '' || rest.length > 0 || !/^\d{1,9}$/.test(attempt) || !/^\d{1,15}$/.test(step)) {
    return null;
  }
  return { runId, attempt: Number(attempt), step: Number(step) };
}

/** The page that lays two sides over each other; without a right one it asks for it. */
export function comparePath(left: ComparedSide, right?: ComparedSide): string {
  const parameters = new URLSearchParams({ left: writeSide(left) });
  if (right !== undefined) parameters.set('right', writeSide(right));
  return `/compare?${parameters.toString()}`;
}
