'use client';

import { useEffect, useState } from 'react';
import { spikeSearchReplySchema, type FoundSpike } from '@/lib/contract/spike-search';
import { comparePath } from '@/lib/view/comparison/compared-sides';
import { formatStep } from '@/lib/view/text/format-number';
import {
  EXAMPLE_QUESTIONS,
  NO_QUESTION,
  describeFault,
  isAsking,
  toApiQuery,
} from '@/lib/view/spikes/spike-question';
import { describeFound } from '@/lib/view/spikes/spike-search-table';
import { Button, ButtonLink } from '@/app/_components/button';
import { Skeleton } from '@/app/_components/skeleton';
import { EmptyState, ErrorState } from '@/app/_components/states';
import { VerdictLine } from '@/app/_components/verdict-line';
import { apiPath } from '@/app/_hooks/api-client';
import { rememberRuns } from '@/app/_hooks/known-runs';
import { useApi } from '@/app/_hooks/use-api';
import { FoundTable } from './found-table';
import { GroupsTable } from './groups-table';
import { describeWait, type QuestionProps } from './question';
import { QuestionToolbar } from './question-toolbar';
import { QuestionTools } from './question-tools';
import styles from './spikes-page.module.css';

const PAGE_SIZE = 200;
/** The most that one reply holds; beyond it a file is the better reading. */
const MOST_ROWS = 1000;

/** Spikes of all runs that match, in groups and one by one; two of them can be compared. */
export function SpikesView({ parameters, asked, patchUrl, views }: QuestionProps) {
  const rows = Number(parameters.get('rows') ?? PAGE_SIZE);
  const limit = Number.isInteger(rows) ? Math.min(MOST_ROWS, Math.max(PAGE_SIZE, rows)) : PAGE_SIZE;
  const query = toApiQuery('spikes', asked);
  const reply = useApi(apiPath('/spikes', { ...query, limit }), spikeSearchReplySchema, {
    keepPrevious: true,
  });
  const [chosen, setChosen] = useState<readonly FoundSpike[]>([]);
  const { data, error } = reply;
  useEffect(() => rememberRuns((data?.items ?? []).map(({ run }) => run)), [data]);
  const fault = error?.code === 'invalid_query' ? describeFault(error.message) : null;
  const total = data?.total ?? null;
  const words = total === null ? null : describeFound(total);
  const shown = data?.items.length ?? 0;
  const groupBy = query['groupBy'] ?? null;
  return (
    <>
      <VerdictLine
        sentence={words?.sentence ?? 'Spikes of all runs'}
        detail={words?.detail ?? describeWait(error !== null, fault !== null)}
      />
      <main className={styles['main']}>
        <QuestionToolbar
          view="spikes"
          {...{ parameters, patchUrl, views, fault }}
          showing={
            total === null ? '' : `Showing ${formatStep(shown)} of ${formatStep(total.spikeCount)}`
          }
          tools={<QuestionTools path="/spikes" query={query} total={total?.spikeCount ?? 0} />}
        />
        {error !== null && fault === null ? (
          <ErrorState
            title="The spikes could not be read."
            message={error.message}
            onRetry={reply.retry}
          />
        ) : data === null ? (
          fault === null ? (
            <Skeleton text="Reading spikes." shape="rows" />
          ) : null
        ) : (
          <>
            {data.groups === undefined || groupBy === null || data.groups.length === 0 ? null : (
              <GroupsTable
                groups={data.groups}
                groupCount={data.groupCount ?? data.groups.length}
                groupBy={groupBy}
              />
            )}
            {data.items.length === 0 ? (
              <NothingFound isNarrowed={isAsking('spikes', asked)} patchUrl={patchUrl} />
            ) : (
              <FoundTable
                spikes={data.items}
                chosen={chosen}
                isBusy={reply.isLoading}
                onChoose={setChosen}
              />
            )}
            {total === null || shown >= total.spikeCount ? null : (
              <div className={styles['more']}>
                {shown < MOST_ROWS ? (
                  <Button onClick={() => patchUrl({ rows: String(limit + PAGE_SIZE) })}>
                    Show more
                  </Button>
                ) : (
                  <span>The rest is in the CSV file.</span>
                )}
              </div>
            )}
          </>
        )}
      </main>
      <CompareBar chosen={chosen} onClear={() => setChosen([])} />
    </>
  );
}

/** Raised from below once a spike is chosen: two are compared. */
function CompareBar({
  chosen,
  onClear,
}: {
  readonly chosen: readonly FoundSpike[];
  readonly onClear: () => void;
}) {
  const [left, right] = chosen;
  if (left === undefined) return null;
  const sideOf = ({ run, attempt, onsetStep }: FoundSpike) => ({
    ...{ runId: run.id, attempt, step: onsetStep },
  });
  const words = ({ run, onsetStep }: FoundSpike) => `${run.name} at ${formatStep(onsetStep)}`;
  return (
    <section className={styles['compare']} aria-label="Comparison">
      <span>
        {words(left)}
        {right === undefined ? '; choose another to compare it with' : ` and ${words(right)}`}
      </span>
      <ButtonLink
        variant="primary"
        href={comparePath(sideOf(left), right === undefined ? undefined : sideOf(right))}
      >
        {right === undefined ? 'Compare with…' : 'Compare at onset'}
      </ButtonLink>
      <Button variant="quiet" onClick={onClear}>
        Clear
      </Button>
    </section>
  );
}

function NothingFound({
  isNarrowed,
  patchUrl,
}: {
  readonly isNarrowed: boolean;
  readonly patchUrl: QuestionProps['patchUrl'];
}) {
  return (
    <EmptyState
      title={isNarrowed ? 'No spike matches.' : 'No spike was found in any run.'}
      text={
        isNarrowed
          ? 'Lead counts from the layers that moved in the 10 steps before the rise. Questions to try:'
          : 'Once a run has one, it can be asked for here, by what moved first and by settings.'
      }
    >
      {isNarrowed ? (
        <>
          <ul className={styles['examples']}>
            {EXAMPLE_QUESTIONS.map(({ words, patch }) => (
              <li key={words}>
                <Button
                  variant="link"
                  onClick={() => patchUrl({ ...NO_QUESTION, ...patch }, 'push')}
                >
                  {words}
                </Button>
              </li>
            ))}
          </ul>
          <Button onClick={() => patchUrl(NO_QUESTION, 'push')}>Show all spikes</Button>
        </>
      ) : null}
    </EmptyState>
  );
}
