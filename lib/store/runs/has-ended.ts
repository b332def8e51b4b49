/** Whether no step will follow in an attempt of the row `run`: the run has ended, or a restart left the attempt behind. */
export const hasEndedSql = (attempt: string): string =>
  `(run.status <> 'running' OR EXISTS (SELECT FROM attempt AS later
    WHERE later.run = run.run AND later.attempt > ${attempt}))`;
