'use client';

import Link from 'next/link';
import { stageSearchReplySchema, type ReachedStage } from '@/lib/contract/stage-search';
import { formatCount, formatStep } from '@/lib/view/text/format-number';
import { NO_QUESTION, describeFault, isAsking, toApiQuery } from '@/lib/view/spikes/spike-question';
import { Button } from '@/app/_components/button';
import { StageChip } from '@/app/_components/stage-chip';
import { Skeleton } from '@/app/_components/skeleton';
import { EmptyState, ErrorState } from '@/app/_components/states';
import { VerdictLine } from '@/app/_components/verdict-line';
import { classNames } from '@/app/_design/class-names';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';
import { describeWait, type QuestionProps } from './question';
import { QuestionToolbar } from './question-toolbar';
import { QuestionTools } from './question-tools';
import styles from './spikes-page.module.css';
import own from './stages-view.module.css';

const MOST_ROWS = 500;

/** Which layers reached a stage, in how many runs, and for how long. */
export function StagesView({ parameters, asked, patchUrl, views }: QuestionProps) {
  const query = toApiQuery('stages', asked);
  const reply = useApi(apiPath('/stages', { ...query, limit: MOST_ROWS }), stageSearchReplySchema, {
    keepPrevious: true,
  });
  const { data, error } = reply;
  const fault = error?.code === 'invalid_query' ? describeFault(error.message) : null;
  const isByKind = query['groupBy'] === 'layer_kind';
  const [worst] = data?.items ?? [];
  return (
    <>
      <VerdictLine
        sentence={
          data === null
            ? 'Layers and stages of all runs'
            : worst === undefined
              ? 'No layer reached such a stage.'
              : `${worst.key ?? 'Layers without a kind'} reached such a stage in ${formatCount(worst.runCount)} of ${formatCount(worst.ofRunCount)} ${worst.ofRunCount === 1 ? 'run' : 'runs'}${data.total > 1 ? ', the most of all' : ''}.`
        }
        detail={
          data === null
            ? describeWait(error !== null, fault !== null)
            : `Of ${formatCount(data.runCount)} ${data.runCount === 1 ? 'run' : 'runs'} that match.`
        }
      />
      <main className={styles['main']}>
        <QuestionToolbar
          view="stages"
          {...{ parameters, patchUrl, views, fault }}
          showing={
            data === null
              ? ''
              : `Showing ${formatCount(data.items.length)} of ${formatCount(data.total)}`
          }
          tools={<QuestionTools path="/stages" query={query} />}
        />
        {error !== null && fault === null ? (
          <ErrorState
            title="The stages could not be read."
            message={error.message}
            onRetry={reply.retry}
          />
        ) : data === null ? (
          fault === null ? (
            <Skeleton text="Reading stages." shape="rows" />
          ) : null
        ) : data.items.length === 0 ? (
          <EmptyState
            title="No layer reached such a stage."
            text="Stages are read from what layers report of their updates and moments; a milder stage may say more."
          >
            {isAsking('stages', asked) ? (
              <Button onClick={() => patchUrl(NO_QUESTION, 'push')}>Ask for all again</Button>
            ) : null}
          </EmptyState>
        ) : (
          <StagesTable items={data.items} isByKind={isByKind} />
        )}
      </main>
    </>
  );
}

function StagesTable({
  items,
  isByKind,
}: {
  readonly items: readonly ReachedStage[];
  readonly isByKind: boolean;
}) {
  return (
    <div className={styles['scroll']} tabIndex={0} role="region" aria-label="Stages">
      <table className={classNames(styles['table'], own['stages'])}>
        <caption className="visually-hidden">Stages that layers reached, over all runs</caption>
        <thead>
          <tr>
            <th scope="col">{isByKind ? 'kind of layer' : 'layer'}</th>
            <th scope="col">stage</th>
            <th scope="col">runs</th>
            <th scope="col" className={styles['number']}>
              {isByKind ? 'layers' : 'times'}
            </th>
            <th scope="col" className={styles['number']}>
              steps in it
            </th>
            <th scope="col" className={styles['number']}>
              longest
            </th>
            <th scope="col">where</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={`${item.key ?? ''} ${item.stage}`}>
              <th scope="row">{item.key ?? 'no kind'}</th>
              <td>
                <StageChip stage={item.stage} />
              </td>
              <td data-label="runs">
                <span className={styles['rate']}>
                  <b>
                    {formatCount(item.runCount)} of {formatCount(item.ofRunCount)}
                  </b>
                  <span className={styles['bar']} aria-hidden="true">
                    <i
                      style={{ width: `${(item.runCount / Math.max(1, item.ofRunCount)) * 100}%` }}
                    />
                  </span>
                </span>
              </td>
              <td className={styles['number']} data-label={isByKind ? 'layers' : 'times'}>
                {formatCount(isByKind ? item.layerCount : item.intervalCount)}
              </td>
              <td className={styles['number']} data-label="steps in it">
                {formatStep(item.steps)}
              </td>
              <td className={styles['number']} data-label="longest">
                {formatStep(item.longestSteps)}
              </td>
              <td className={styles['name']} data-label="where">
                <Link
                  href={`/runs/${encodeURIComponent(item.longest.runId)}/layers/${item.longest.layer}?step=${item.longest.fromStep}`}
                  prefetch={false}
                >
                  {item.longest.runName}
                </Link>
                <small>from {formatStep(item.longest.fromStep)}</small>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
