'use client';

import { useMemo, useState } from 'react';
import { incidentsReplySchema, type Incident, type IncidentsReply } from '@/lib/contract/incidents';
import { writeCsv } from '@/lib/view/text/chart-table';
import { formatCount } from '@/lib/view/text/format-number';
import { incidentsTable, orderIncidents } from '@/lib/view/alerts/incidents-list';
import { Button } from '@/app/_components/button';
import { saveFile } from '@/app/_components/chart-menu/save-file';
import { SelectMenu } from '@/app/_components/select-menu';
import { Skeleton } from '@/app/_components/skeleton';
import { EmptyState, ErrorState } from '@/app/_components/states';
import { readJson } from '@/app/_hooks/api-client';
import { rememberedAuthor } from '@/app/_hooks/author-name';
import { refreshOpenIncidents } from '@/app/_hooks/incident-feed';
import type { ApiResult } from '@/app/_hooks/use-api';
import { patchUrl } from '@/app/_hooks/url-store';
import { useUrlState } from '@/app/_hooks/use-url-state';
import { acknowledge } from './alert-api';
import { Fault, useAttempt } from './attempt';
import { IncidentRow } from './incident-row';
import { ListTools } from './list-tools';
import { NameDialog } from './name-dialog';
import { TableHead } from './table-parts';
import { incidentsPath, useIncidentList, type IncidentFilter } from './use-incident-list';
import styles from './alerts-page.module.css';
import table from './alerts-table.module.css';

const STATES = [
  { value: '', label: 'Open and over' },
  { value: 'open', label: 'Open' },
  { value: 'closed', label: 'Over' },
] as const;
const COLUMNS = [
  { key: 'severity', label: 'Severity' },
  { key: 'title', label: 'Incident' },
  { key: 'run', label: 'Run' },
  { key: 'step', label: 'Opened at' },
  { key: 'peak', label: 'Peak' },
  { key: 'age', label: 'Since' },
  { key: 'state', label: 'State' },
] as const;
const PAGE_SIZE = 50;
/** The most that the API answers at once. */
const LARGEST_PAGE = 500;

const NOTHING: readonly Incident[] = [];

/** What rules have found: what is open first, then what is over. */
export function IncidentsPart({
  open,
  filter,
  now,
  onChanged,
}: {
  /** Open ones of every rule. */
  readonly open: ApiResult<IncidentsReply>;
  readonly filter: IncidentFilter;
  readonly now: number | null;
  readonly onChanged: () => void;
}) {
  const [parameters] = useUrlState();
  const state = STATES.find(({ value }) => value === parameters.get('state'))?.value ?? '';
  const [wantedCount, setWantedCount] = useState(PAGE_SIZE);
  const limit = Math.min(LARGEST_PAGE, wantedCount);
  const closedPath = state === 'open' ? null : incidentsPath(filter, 'closed', limit);
  const closed = useIncidentList(closedPath);
  const [author, setAuthor] = useState(rememberedAuthor);
  const [asked, setAsked] = useState<Incident | 'name' | null>(null);
  const [fault, attempt] = useAttempt(() => {
    refreshOpenIncidents();
    onChanged();
    closed.retry();
  });

  const { data } = open;
  const over = state === 'open' || closed.data === null ? NOTHING : closed.data.items;
  const shown = useMemo(() => {
    if (state === 'closed') return NOTHING;
    // Two reads: what has just ended may be in the answers to both.
    const ended = new Set(over.map(({ id }) => id));
    const ofRule = (data?.items ?? NOTHING).filter(
      ({ id, ruleId }) => !ended.has(id) && (filter.ruleId === null || ruleId === filter.ruleId),
    );
    return orderIncidents(ofRule);
  }, [data, over, filter.ruleId, state]);
  const send = (incident: Incident, by: string) => attempt(() => acknowledge(incident, by));
  const failure = open.error ?? closed.error;
  const isLoading = now === null || (data === null && failure === null);
  const narrowed = filter.runId ?? filter.ruleId;
  const hasNone = shown.length + over.length === 0 && (closedPath === null || closed.data !== null);
  return (
    <>
      <div className={styles['tools']}>
        <SelectMenu
          label="State"
          options={STATES}
          value={state}
          onChange={(value) => patchUrl({ state: value === '' ? null : value }, 'push')}
        />
        {filter.runId === null ? null : (
          <Filter words={`Run ${filter.runId}`} onClear={() => patchUrl({ run: null }, 'push')} />
        )}
        {filter.ruleId === null ? null : (
          <Filter
            words={`Rule ${shown[0]?.ruleName ?? over[0]?.ruleName ?? ''}`}
            onClear={() => patchUrl({ byRule: null }, 'push')}
          />
        )}
        {author === '' || now === null ? null : (
          <span className={styles['quiet']}>
            Acknowledging as {author}.{' '}
            <Button variant="link" onClick={() => setAsked('name')}>
              Change
            </Button>
          </span>
        )}
        <ListTools
          name="Incidents"
          paths={[incidentsPath(filter, state === '' ? 'all' : state, LARGEST_PAGE)]}
          onSave={async (path) => {
            const { items } = await readJson(path, incidentsReplySchema);
            const type = 'text/csv;charset=utf-8';
            saveFile('incidents.csv', new Blob([...writeCsv(incidentsTable(items))], { type }));
          }}
        />
      </div>
      <Fault text={fault} />
      {isLoading ? (
        <Skeleton text="Reading the incidents." shape="rows" />
      ) : data === null && failure !== null ? (
        <ErrorState
          title="The incidents could not be read."
          message={failure.message}
          onRetry={() => {
            onChanged();
            closed.retry();
          }}
        />
      ) : hasNone ? (
        <EmptyState
          title={narrowed === null ? 'No incidents.' : 'No incident of this kind.'}
          text="A rule opens one when its condition holds, and closes it when that is over."
        >
          <Button onClick={() => patchUrl({ part: 'rules', rule: null }, 'push')}>
            See the rules
          </Button>
        </EmptyState>
      ) : (
        <table className={table['table']}>
          <caption className="visually-hidden">Incidents, what is open first</caption>
          <TableHead columns={COLUMNS} />
          <tbody>
            {[...shown, ...over].map((incident) => (
              <IncidentRow
                key={incident.id}
                incident={incident}
                now={now}
                onAcknowledge={() => {
                  if (author === '') setAsked(incident);
                  else send(incident, author);
                }}
              />
            ))}
          </tbody>
        </table>
      )}
      {closed.data === null || over.length >= closed.data.total || limit === LARGEST_PAGE ? null : (
        <p className={styles['more']}>
          <Button onClick={() => setWantedCount(wantedCount + PAGE_SIZE)}>Show more</Button>
          Showing {formatCount(over.length)} of {formatCount(closed.data.total)} that are over.
        </p>
      )}
      {asked === null ? null : (
        <NameDialog
          title={asked === 'name' ? 'Who acknowledges' : `Acknowledge: ${asked.title}`}
          label={asked === 'name' ? 'Keep the name' : 'Acknowledge'}
          start={author}
          onName={(name) => {
            setAuthor(name);
            if (asked !== 'name') send(asked, name);
          }}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}

function Filter({ words, onClear }: { readonly words: string; readonly onClear: () => void }) {
  return (
    <Button onClick={onClear} aria-label={`${words} alone; show all`} title="Show all">
      {words} <span aria-hidden>×</span>
    </Button>
  );
}
