'use client';

import { runsReplySchema } from '@/lib/contract/reads';
import type { Run } from '@/lib/contract/runs';
import { formatAgainst, type Against } from '@/lib/view/comparison/comparison';
import { SelectMenu, type SelectOption } from '@/app/_components/select-menu';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';

/** Other runs that are offered, the newest of the project. */
const OFFERED_RUNS = 50;
const NONE = 'none';

/** What the heatmap is held against: an attempt of this run, or another run of its project. */
export function CompareMenu({
  run,
  against,
  onAgainst,
}: {
  readonly run: Run;
  readonly against: Against | null;
  readonly onAgainst: (text: string | null) => void;
}) {
  const others = useApi(
    apiPath('/runs', { project: run.project, limit: OFFERED_RUNS + 1 }),
    runsReplySchema,
  );
  const options: SelectOption<string>[] = [
    { value: NONE, label: against === null ? 'Compare' : 'No comparison' },
    ...run.attempts
      .filter(({ attempt }) => attempt < run.attempt)
      .map(({ attempt }) => ({
        value: formatAgainst({ kind: 'attempt', attempt }),
        label: `Against attempt ${attempt}`,
        group: 'This run',
      })),
    ...(others.data?.items ?? [])
      .filter(({ id }) => id !== run.id)
      .slice(0, OFFERED_RUNS)
      .map(({ id, name }) => ({
        value: formatAgainst({ kind: 'run', runId: id }),
        label: `Against ${name}`,
        group: `Runs of ${run.project}`,
      })),
  ];
  const chosen = against === null ? NONE : formatAgainst(against);
  const isOffered = options.some(({ value }) => value === chosen);
  if (!isOffered && against !== null) {
    const name = against.kind === 'run' ? against.runId : `attempt ${against.attempt}`;
    options.push({ value: chosen, label: `Against ${name}` });
  }
  // Nothing to compare with is no choice.
  if (options.length < 2) return null;
  return (
    <SelectMenu
      label="Compare the heatmap with"
      value={chosen}
      onChange={(value) => onAgainst(value === NONE ? null : value)}
      options={options}
    />
  );
}
