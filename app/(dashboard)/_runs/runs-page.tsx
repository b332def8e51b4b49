'use client';

import Link from 'next/link';
import { useMemo, useRef, type ReactNode } from 'react';
import {
  prepareRunRow,
  prepareRunsList,
  type RunsFilter,
  type StatusFilter,
} from '@/lib/view/runs-list';
import { prepareRunsVerdict } from '@/lib/view/runs-verdict';
import { Mark, colourOfMark } from '@/app/_design/marks';
import { Button, ButtonLink } from '@/app/_components/button';
import { SelectMenu } from '@/app/_components/select-menu';
import { ConnectionBanner, EmptyState, ErrorState, LoadingState } from '@/app/_components/states';
import { StatusDot } from '@/app/_components/status-dot';
import { TextField } from '@/app/_components/text-field';
import { TopBar } from '@/app/_components/top-bar';
import { VerdictLine } from '@/app/_components/verdict-line';
import { useKeyboard } from '@/app/_hooks/use-keyboard';
import { useNow } from '@/app/_hooks/use-now';
import { useUrlState } from '@/app/_hooks/use-url-state';
import { FirstPost } from './first-post';
import { RunsTable } from './runs-table';
import { useRuns } from './use-runs';
import styles from './runs-page.module.css';

const STATUS_OPTIONS: readonly { readonly value: StatusFilter; readonly label: string }[] = [
  { value: 'all', label: 'Any status' },
  { value: 'live', label: 'Live' },
  { value: 'stale', label: 'Stale' },
  { value: 'waiting', label: 'No frames yet' },
  { value: 'finished', label: 'Finished' },
  { value: 'failed', label: 'Failed' },
  { value: 'stopped', label: 'Stopped' },
];

const GROUP_OPTIONS = [
  { value: 'project', label: 'By project' },
  { value: 'none', label: 'One list' },
] as const;

function readFilter(parameters: URLSearchParams): RunsFilter {
  const status = parameters.get('status');
  return {
    search: parameters.get('q') ?? '',
    status: STATUS_OPTIONS.find(({ value }) => value === status)?.value ?? 'all',
    isGrouped: parameters.get('group') !== 'none',
  };
}

/** The start page: every run, what needs someone first. */
export function RunsPage() {
  const { runs, total, error, retry, loadMore } = useRuns();
  const nowMs = useNow(1000);
  const [parameters, patchUrl] = useUrlState();
  const search = useRef<HTMLInputElement>(null);
  useKeyboard({
    '/': (event) => {
      event.preventDefault();
      search.current?.focus();
    },
  });
  const rowsById = useMemo(
    () =>
      new Map(
        (nowMs === null ? [] : (runs ?? [])).map((run) => [run.id, prepareRunRow(run, nowMs ?? 0)]),
      ),
    [runs, nowMs],
  );

  if (runs === null || nowMs === null) {
    return (
      <Shell>
        <main>
          <h1 className="visually-hidden">Runs</h1>
          {error === null ? (
            <LoadingState text="Reading the runs." />
          ) : (
            <ErrorState
              title="The runs could not be read."
              message={error.message}
              onRetry={retry}
            />
          )}
        </main>
      </Shell>
    );
  }
  if (total === 0) {
    return (
      <Shell>
        <FirstPost />
      </Shell>
    );
  }

  const filter = readFilter(parameters);
  const view = prepareRunsList(runs, total, filter, nowMs);
  const verdict = prepareRunsVerdict(runs, nowMs);
  const status =
    error !== null ? (
      <StatusDot kind="disconnected" />
    ) : verdict.liveCount === 0 ? null : (
      <StatusDot
        kind="live"
        detail={`${verdict.liveCount} ${verdict.liveCount === 1 ? 'run' : 'runs'}`}
      />
    );
  return (
    <Shell status={status}>
      {error === null ? null : (
        <ConnectionBanner
          headline="The runs could not be read again."
          text={`${error.message} Showing what was received; next try in 2 s.`}
          onRetry={retry}
        />
      )}
      <VerdictLine
        {...(verdict.alarm === null
          ? {}
          : {
              mark: <Mark kind={verdict.alarm.kind} size={20} />,
              emphasis: verdict.alarm.words,
              emphasisColour: colourOfMark(verdict.alarm.kind),
              actions: (
                <ButtonLink
                  variant="primary"
                  href={`/runs/${encodeURIComponent(verdict.alarm.runId)}`}
                >
                  Open the run
                </ButtonLink>
              ),
            })}
        sentence={verdict.sentence}
        detail={verdict.detail}
      />
      <main>
        <div className={styles['toolbar']}>
          <TextField
            ref={search}
            label="Search runs by name, tag or /regex/"
            placeholder="Name, tag or /regex/"
            className={styles['search'] ?? ''}
            value={filter.search}
            error={view.searchError}
            onChange={(event) =>
              patchUrl({ q: event.target.value === '' ? null : event.target.value })
            }
          />
          <SelectMenu
            label="Status"
            options={STATUS_OPTIONS}
            value={filter.status}
            onChange={(value) => patchUrl({ status: value === 'all' ? null : value })}
          />
          <SelectMenu
            label="Grouping"
            options={GROUP_OPTIONS}
            value={filter.isGrouped ? 'project' : 'none'}
            onChange={(value) => patchUrl({ group: value === 'none' ? 'none' : null })}
          />
          {view.searchError === null ? null : (
            <span className={styles['fault']} role="status">
              No regex: {view.searchError}
            </span>
          )}
          <span className={styles['showing']} role="status">
            {view.showing}
          </span>
        </div>
        {view.emptyReason === 'no_match' ? (
          <EmptyState title="No run matches." text="Name, id, project and tags were searched.">
            <Button onClick={() => patchUrl({ q: null, status: null })}>Show all runs</Button>
          </EmptyState>
        ) : (
          <RunsTable groups={view.groups} rowsById={rowsById} isGrouped={filter.isGrouped} />
        )}
        {runs.length < total ? (
          <div className={styles['more']}>
            <Button onClick={loadMore}>Read more</Button>
            <span>
              {runs.length} of {total} runs are here; search covers these.
            </span>
          </div>
        ) : null}
        <p className={styles['foot']}>
          <Link href="/api-reference">API reference</Link>
        </p>
      </main>
    </Shell>
  );
}

function Shell({
  status,
  children,
}: {
  readonly status?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <>
      <TopBar crumbs={[{ label: 'Runs' }]} status={status} />
      {children}
    </>
  );
}
