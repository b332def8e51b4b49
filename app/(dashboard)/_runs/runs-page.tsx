'use client';

import Link from 'next/link';
import { useCallback, useMemo, useRef, useState, type ReactNode } from 'react';
import { joinNames } from '@/lib/contract/name-list';
import { projectsReplySchema, tagsReplySchema, type RunSort } from '@/lib/contract/reads';
import {
  NEWEST_FIRST,
  WITHOUT_FILTER,
  describeSearchFault,
  readRunsFilter,
} from '@/lib/view/runs/runs-filter';
import { prepareRunsList, type RunsListView } from '@/lib/view/runs/runs-list';
import { prepareRunsVerdict } from '@/lib/view/runs/runs-verdict';
import { formatStep } from '@/lib/view/text/format-number';
import { Button } from '@/app/_components/button';
import { Skeleton } from '@/app/_components/skeleton';
import { ConnectionBanner, EmptyState, ErrorState } from '@/app/_components/states';
import { StatusDot } from '@/app/_components/status-dot';
import { TopBar } from '@/app/_components/top-bar';
import { apiPath } from '@/app/_hooks/api-client';
import { openTool } from '@/app/_hooks/open-tool';
import { usePageActions } from '@/app/_hooks/page-actions';
import { useApi } from '@/app/_hooks/use-api';
import { useKeyboard } from '@/app/_hooks/use-keyboard';
import { useNow } from '@/app/_hooks/use-now';
import { useTabSign } from '@/app/_hooks/use-tab-sign';
import { useThrottled } from '@/app/_hooks/use-throttled';
import { useUrlState } from '@/app/_hooks/use-url-state';
import { ChosenPanel } from './chosen-panel';
import { EditDialog } from './edit-dialog';
import { FirstPost } from './first-post';
import { RunsTable } from './runs-table';
import { RunsToolbar } from './runs-toolbar';
import { RunsVerdictLine } from './runs-verdict-line';
import { StorageDialog } from './storage-dialog';
import { useChosenRuns } from './use-chosen-runs';
import { useHeldLayout } from './use-held-layout';
import { useRowActions } from './use-row-actions';
import { useRunEdits } from './use-run-edits';
import { useRuns, useRunsOverview } from './use-runs';
import styles from './runs-page.module.css';

const PAGE_SIZE = 200;
/** More rows than this are slow to draw, and nobody reads that far: filters do it. */
const MOST_ROWS = 5000;
const TYPING_MS = 150;
/** Menus of tags and projects grow slowly. */
const MENU_REFRESH_MS = 30_000;

const NO_LIST: RunsListView = { groups: [], showing: '', emptyReason: null, moreCount: 0 };

function readWantedRows(parameters: URLSearchParams): number {
  const wanted = Number(parameters.get('rows') ?? PAGE_SIZE);
  return Number.isInteger(wanted) ? Math.min(MOST_ROWS, Math.max(PAGE_SIZE, wanted)) : PAGE_SIZE;
}

/** The start page: every run, what needs someone first. */
export function RunsPage() {
  const nowMs = useNow(1000);
  const [parameters, patchUrl] = useUrlState();
  const filter = useMemo(() => readRunsFilter(parameters), [parameters]);
  const asked = { ...filter, search: useThrottled(filter.search, TYPING_MS) };
  const wantedRows = readWantedRows(parameters);
  const list = useRuns(asked, wantedRows);
  const overview = useRunsOverview();
  const projects = useApi(apiPath('/projects'), projectsReplySchema, {
    refreshMs: MENU_REFRESH_MS,
  });
  const tags = useApi(apiPath('/tags'), tagsReplySchema, { refreshMs: MENU_REFRESH_MS });
  const chosen = useChosenRuns(list.data?.runs ?? []);
  const edits = useRunEdits(() => {
    list.retry();
    chosen.retry();
    tags.retry();
  });
  const [edited, setEdited] = useState<readonly string[] | null>(null);
  const [storageOf, setStorageOf] = useState<string | null>(null);
  const search = useRef<HTMLInputElement>(null);
  const actions = useRowActions({ chosen, runs: list.data?.runs ?? [], edits, edit: setEdited });
  const toSearch = () => search.current?.focus();
  useKeyboard({
    '/': (event) => {
      event.preventDefault();
      toSearch();
    },
    Escape: chosen.clear,
  });
  usePageActions('Runs', [
    { label: 'Search the list', keys: ['/'], run: toSearch },
    { label: 'Previous, next run', keys: ['↑', '↓'] },
    { label: 'Open the run', keys: ['Enter'] },
    { label: 'Choose the run, or no longer', keys: ['X'] },
    { label: 'Pin the run, or let it go', keys: ['P'] },
    { label: 'Edit name, tags and notes', keys: ['E'] },
    { label: 'Choose none', keys: ['Esc'], run: chosen.clear },
  ]);

  const view =
    list.data === null || nowMs === null
      ? null
      : prepareRunsList(list.data, filter, nowMs, overview.data?.total ?? null);
  const held = useHeldLayout(view?.groups ?? NO_LIST.groups, list.answer);
  const choose = useCallback(
    (patch: Readonly<Record<string, string | null>>, isStep: boolean) =>
      patchUrl({ ...patch, rows: null }, isStep ? 'push' : 'replace'),
    [patchUrl],
  );
  const verdict =
    overview.data === null || nowMs === null ? null : prepareRunsVerdict(overview.data, nowMs);
  const alarm = verdict?.alarm ?? null;
  useTabSign(
    alarm === null ? 'Runs · Spikescope' : `${alarm.words.replace(/\.$/, '')} · Spikescope`,
    alarm?.kind ?? null,
  );
  const searchFault = list.error === null ? null : describeSearchFault(list.error);
  const failure = searchFault === null ? (list.error ?? overview.error) : null;
  const retry = () => {
    list.retry();
    overview.retry();
  };

  if (overview.data?.total === 0 && chosen.ids.length === 0) {
    return (
      <Shell>
        <FirstPost />
      </Shell>
    );
  }
  const status =
    failure !== null ? (
      <StatusDot kind="disconnected" />
    ) : verdict === null || verdict.liveCount === 0 ? null : (
      <StatusDot
        kind="live"
        detail={`${verdict.liveCount} ${verdict.liveCount === 1 ? 'run' : 'runs'}`}
      />
    );
  const editedRuns = (list.data?.runs ?? [])
    .concat(chosen.runs)
    .filter((run, index, all) => all.findIndex(({ id }) => id === run.id) === index)
    .filter(({ id }) => edited?.includes(id));
  const waiting =
    held.waitingCount === 0 ? '' : `, ${formatStep(held.waitingCount)} new once you leave the rows`;
  return (
    <Shell status={status}>
      {failure === null || view === null ? null : (
        <ConnectionBanner
          headline="The runs could not be read again."
          text={`${failure.message} Showing what was received; next try in 2 s.`}
          onRetry={retry}
        />
      )}
      <RunsVerdictLine verdict={verdict} hasFailed={failure !== null} />
      <main className={styles['main']}>
        <RunsToolbar
          searchRef={search}
          filter={filter}
          searchFault={searchFault}
          projects={projects.data?.items ?? []}
          tags={tags.data?.items ?? []}
          showing={view === null ? '' : view.showing + waiting}
          onPatch={choose}
        />
        {view === null && failure !== null ? (
          <ErrorState
            title="The runs could not be read."
            message={failure.message}
            onRetry={retry}
          />
        ) : (
          <RunsTable
            held={held}
            isGrouped={filter.isGrouped}
            isBusy={!list.isCurrent}
            sort={filter.sort}
            onSort={(sort: RunSort) => choose({ sort: sort === NEWEST_FIRST ? null : sort }, true)}
            chosen={chosen.ids}
            actions={actions}
            onToggleGroup={(project) => {
              const { closedProjects } = filter;
              const next = closedProjects.includes(project)
                ? closedProjects.filter((other) => other !== project)
                : [...closedProjects, project];
              patchUrl({ closed: next.length === 0 ? null : joinNames(next) });
            }}
            onStorage={setStorageOf}
            emptyRow={
              view === null ? (
                <Skeleton text="Reading the runs." shape="rows" />
              ) : view.emptyReason === 'no_match' ? (
                <EmptyState
                  title="No run matches."
                  text="Name, id, project, tags and notes were searched."
                >
                  <Button onClick={() => choose(WITHOUT_FILTER, true)}>Show all runs</Button>
                </EmptyState>
              ) : null
            }
          />
        )}
        {view === null || view.moreCount === 0 ? null : (
          <div className={styles['more']}>
            <Button onClick={() => patchUrl({ rows: String(wantedRows + PAGE_SIZE) })}>
              Show {formatStep(Math.min(PAGE_SIZE, view.moreCount))} more
            </Button>
            <span>{formatStep(view.moreCount)} more match.</span>
          </div>
        )}
        <p className={styles['foot']}>
          <Link href="/spikes">Spikes of all runs</Link>
          <Link href="/api-reference">API reference</Link>
          <Button variant="link" onClick={() => openTool('shortcuts')}>
            Shortcuts <kbd>?</kbd>
          </Button>
        </p>
      </main>
      {chosen.runs.length === 0 ? null : (
        <ChosenPanel
          chosen={chosen}
          isShowingAll={parameters.get('settings') === 'all'}
          isOverlaying={parameters.get('losses') === 'over'}
          fault={edits.pinFault}
          onShowAll={(isShowingAll) => patchUrl({ settings: isShowingAll ? 'all' : null })}
          onOverlay={(isOverlaying) => patchUrl({ losses: isOverlaying ? 'over' : null })}
          onEdit={setEdited}
          onPin={edits.pin}
        />
      )}
      {storageOf === null ? null : (
        <StorageDialog project={storageOf} onClose={() => setStorageOf(null)} />
      )}
      {edited === null || editedRuns.length === 0 ? null : (
        <EditDialog
          runs={editedRuns}
          knownTags={(tags.data?.items ?? []).map(({ name }) => name)}
          onSave={edits.save}
          onClose={() => setEdited(null)}
        />
      )}
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
    <div className={styles['page']}>
      <TopBar crumbs={[{ label: 'Runs' }]} status={status} />
      {children}
    </div>
  );
}
