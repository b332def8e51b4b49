'use client';

import Link from 'next/link';
import { Fragment } from 'react';
import { recurringBatchesReplySchema, type DataOrder } from '@/lib/contract/recurring-batches';
import { formatCount, formatNumber } from '@/lib/view/text/format-number';
import {
  RARE,
  describeBatchIds,
  describeEvents,
  describeOrder,
  describeRecurrence,
  describeSteps,
  judgeRecurrence,
} from '@/lib/view/spikes/recurring-words';
import { describeFault, toApiQuery } from '@/lib/view/spikes/spike-question';
import { CodeBlock } from '@/app/_components/code-block';
import { Skeleton } from '@/app/_components/skeleton';
import { EmptyState, ErrorState } from '@/app/_components/states';
import { VerdictLine } from '@/app/_components/verdict-line';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';
import { describeWait, type QuestionProps } from './question';
import { QuestionToolbar } from './question-toolbar';
import { QuestionTools } from './question-tools';
import styles from './spikes-page.module.css';

/** Steps at which runs that read the same data in the same order have an event. */
export function RecurringView({ parameters, asked, patchUrl, views }: QuestionProps) {
  const query = toApiQuery('recurring', asked);
  const reply = useApi(apiPath('/recurring-batches', query), recurringBatchesReplySchema, {
    keepPrevious: true,
  });
  const { data, error } = reply;
  const fault = error?.code === 'invalid_query' ? describeFault(error.message) : null;
  const rare = data?.items.flatMap(({ items }) => items.filter(({ expected }) => expected < RARE));
  return (
    <>
      <VerdictLine
        sentence={
          rare === undefined
            ? 'Recurring batches'
            : data?.items.length === 0
              ? 'Which batches hurt several runs cannot be told.'
              : rare.length === 0
                ? 'No step hurt several runs of one data order more than chance does.'
                : `${formatCount(rare.length)} ${rare.length === 1 ? 'place' : 'places'} in the data hurt several runs, which chance hardly makes.`
        }
        detail={
          data === null
            ? describeWait(error !== null, fault !== null)
            : `${formatCount(data.orderedRunCount)} of ${formatCount(data.runCount)} runs say in which order they read their data.`
        }
      />
      <main className={styles['main']}>
        <QuestionToolbar
          view="recurring"
          {...{ parameters, patchUrl, views, fault }}
          showing={
            data === null
              ? ''
              : `${formatCount(data.items.length)} ${data.items.length === 1 ? 'data order' : 'data orders'} of two runs or more`
          }
          tools={<QuestionTools path="/recurring-batches" query={query} />}
        />
        {error !== null && fault === null ? (
          <ErrorState
            title="The runs could not be read."
            message={error.message}
            onRetry={reply.retry}
          />
        ) : data === null ? (
          fault === null ? (
            <Skeleton text="Reading runs." shape="rows" />
          ) : null
        ) : data.items.length === 0 ? (
          <EmptyState
            title="No two runs say that they read the same data in the same order."
            text={`Looked for ${data.by.map((paths) => paths.join(' and ')).join(', or ')} in the config. Post it with the run:`}
          >
            <CodeBlock
              label="A config with a data order"
              code={'{ "config": { "data_order": "c4-en-shuffle-17" } }'}
            />
          </EmptyState>
        ) : (
          data.items.map((order) => <Order key={describeOrder(order)} order={order} />)
        )}
      </main>
    </>
  );
}

function Order({ order }: { readonly order: DataOrder }) {
  const names = new Map(order.runs.map(({ id, name }) => [id, name]));
  return (
    <section className={styles['order']} aria-label={describeOrder(order)}>
      <h2>
        {describeOrder(order)}
        <small>{order.runs.map(({ name }) => name).join(', ')}</small>
      </h2>
      <p className={styles['caption']}>{describeRecurrence(order)}</p>
      {order.items.length === 0 ? null : (
        <div
          className={styles['scroll']}
          tabIndex={0}
          role="region"
          aria-label={`Places of ${describeOrder(order)}`}
        >
          <table className={styles['table']}>
            <caption className="visually-hidden">Steps at which several runs have an event</caption>
            <thead>
              <tr>
                <th scope="col">step</th>
                <th scope="col" className={styles['number']}>
                  runs
                </th>
                <th scope="col">events</th>
                <th scope="col">batch</th>
                <th scope="col" className={styles['number']}>
                  odds
                </th>
                <th scope="col" className={styles['number']}>
                  by chance
                </th>
                <th scope="col">reading</th>
                <th scope="col">where</th>
              </tr>
            </thead>
            <tbody>
              {order.items.map((item) => (
                <tr key={item.fromStep}>
                  <th scope="row">{describeSteps(item)}</th>
                  <td className={styles['number']}>
                    {formatCount(item.runCount)} of {formatCount(item.watchedCount)}
                  </td>
                  <td>{describeEvents(item)}</td>
                  <td>{describeBatchIds(item)}</td>
                  <td className={styles['number']}>{formatNumber(item.tail)}</td>
                  <td className={styles['number']}>{formatNumber(item.expected)}</td>
                  <td>{judgeRecurrence(item)}</td>
                  <td className={styles['name']}>
                    {item.events.map(({ runId, spikeId }, at) => (
                      <Fragment key={`${runId} ${spikeId}`}>
                        {at === 0 ? '' : ', '}
                        <Link
                          href={`/runs/${encodeURIComponent(runId)}/spikes/${encodeURIComponent(spikeId)}`}
                          prefetch={false}
                        >
                          {names.get(runId) ?? runId}
                        </Link>
                      </Fragment>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {order.itemCount > order.items.length ? (
        <p className={styles['caption']}>
          {formatCount(order.items.length)} of {formatCount(order.itemCount)} places.
        </p>
      ) : null}
      <p className={styles['caption']}>
        Odds: that as many of the other runs have an event within reach, were events anywhere. By
        chance: how many such places that makes among all that were looked at. This is association.
      </p>
    </section>
  );
}
