'use client';

import { projectsReplySchema, type ProjectsReply } from '@/lib/contract/reads';
import {
  incidentHref,
  incidentMark,
  prepareIncidentsVerdict,
} from '@/lib/view/alerts/incidents-list';
import { ButtonLink } from '@/app/_components/button';
import { SelectMenu } from '@/app/_components/select-menu';
import { ConnectionBanner, EmptyState } from '@/app/_components/states';
import { TopBar } from '@/app/_components/top-bar';
import { VerdictLine } from '@/app/_components/verdict-line';
import { Mark } from '@/app/_design/marks';
import { apiPath } from '@/app/_hooks/api-client';
import { usePageActions } from '@/app/_hooks/page-actions';
import { useApi } from '@/app/_hooks/use-api';
import { useNow } from '@/app/_hooks/use-now';
import { useUrlState } from '@/app/_hooks/use-url-state';
import { ChannelsPart } from './channels-part';
import { IncidentsPart } from './incidents-part';
import { NotifySwitch } from './notify-switch';
import { RuleEditorPart } from './rule-editor-part';
import { RulesPart } from './rules-part';
import { severityColour } from './severity';
import { incidentsPath, useIncidentList, type IncidentFilter } from './use-incident-list';
import styles from './alerts-page.module.css';

const PARTS = ['incidents', 'rules', 'channels'] as const;
type Part = (typeof PARTS)[number];

const LABELS: Readonly<Record<Part, string>> = {
  incidents: 'Incidents',
  rules: 'Rules',
  channels: 'Channels',
};

/** Ages are told in no smaller steps than people look. */
const NOW_MS = 1000;
const MENU_REFRESH_MS = 30_000;
const MOST_OPEN = 500;

/** The project that was heard of last: most people have one. */
function newestProject(projects: ProjectsReply['items']): string | null {
  const [newest] = [...projects].sort((a, b) =>
    (b.lastFrameAt ?? '').localeCompare(a.lastFrameAt ?? ''),
  );
  return newest?.name ?? null;
}

/** Where the verdict looks: a count over all projects stands in the bar above it. */
function placeOf({ project, runId }: IncidentFilter): string | null {
  return runId !== null ? `on run ${runId}` : project !== null ? `in ${project}` : null;
}

export function AlertsPage() {
  const [parameters, patchUrl] = useUrlState();
  const now = useNow(NOW_MS);
  const part = PARTS.find((known) => known === parameters.get('part')) ?? 'incidents';
  const wanted = parameters.get('project');
  const projects = useApi(apiPath('/projects'), projectsReplySchema, {
    refreshMs: MENU_REFRESH_MS,
  });
  // Rules and channels are a project's; incidents may be looked at over all of them.
  const chosen = wanted ?? newestProject(projects.data?.items ?? []);
  const edited = part === 'rules' ? parameters.get('rule') : null;
  const filter = {
    project: wanted,
    runId: parameters.get('run'),
    ruleId: parameters.get('byRule'),
  };
  const open = useIncidentList(incidentsPath({ ...filter, ruleId: null }, 'open', MOST_OPEN));
  const newest = useIncidentList(incidentsPath({ ...filter, ruleId: null }, 'closed', 1));
  const go = (next: Part) =>
    patchUrl({ part: next === 'incidents' ? null : next, rule: null }, 'push');
  usePageActions('Alerts', [
    { label: 'Show the incidents', run: () => go('incidents') },
    { label: 'Show the alert rules', run: () => go('rules') },
    { label: 'Show the channels of alerts', run: () => go('channels') },
    {
      label: 'Make a new alert rule',
      run: () => patchUrl({ part: 'rules', rule: 'new', project: chosen }, 'push'),
    },
  ]);

  const isReady = open.data !== null && now !== null;
  const verdict = isReady
    ? prepareIncidentsVerdict(open.data.items, newest.data?.items[0] ?? null, now, placeOf(filter))
    : null;
  const alarm = verdict?.alarm?.incident ?? null;
  const retry = () => {
    open.retry();
    newest.retry();
  };
  const names = (projects.data?.items ?? []).map(({ name }) => name);
  if (wanted !== null && !names.includes(wanted)) names.unshift(wanted);
  return (
    <div className={styles['page']}>
      <TopBar crumbs={[{ label: 'Alerts' }]} />
      {open.error === null || open.data === null ? null : (
        <ConnectionBanner
          headline="The incidents could not be read again."
          text={`${open.error.message} Showing what was received.`}
          onRetry={retry}
        />
      )}
      <VerdictLine
        mark={alarm === null ? null : <Mark kind={incidentMark(alarm.condition)} size={20} />}
        emphasis={verdict?.alarm?.words ?? null}
        {...(alarm === null ? {} : { emphasisColour: severityColour(alarm.severity) })}
        sentence={
          verdict?.sentence ?? (open.error === null ? 'Reading the incidents.' : 'Incidents')
        }
        detail={verdict?.detail ?? null}
        {...(alarm === null || part !== 'incidents'
          ? {}
          : {
              actions: (
                <ButtonLink variant="primary" href={incidentHref(alarm)}>
                  Open the run
                </ButtonLink>
              ),
            })}
      />
      <section className={styles['bar']} aria-label="View">
        <nav className={styles['tabs']} aria-label="Parts of the alerts">
          {PARTS.map((name) => (
            <button
              key={name}
              type="button"
              aria-current={name === part ? 'page' : undefined}
              onClick={() => go(name)}
            >
              {LABELS[name]}
            </button>
          ))}
        </nav>
        {names.length === 0 ? null : (
          <span className={styles['project']}>
            <SelectMenu
              label="Project"
              options={[
                ...(part === 'incidents' ? [{ value: '', label: 'All projects' }] : []),
                ...names.map((name) => ({ value: name, label: name })),
              ]}
              value={part === 'incidents' ? (wanted ?? '') : (chosen ?? '')}
              onChange={(project) =>
                patchUrl(
                  { project: project === '' ? null : project, rule: null, byRule: null, run: null },
                  'push',
                )
              }
            />
          </span>
        )}
        <NotifySwitch />
      </section>
      <main className={styles['main']}>
        {part === 'incidents' ? (
          <IncidentsPart open={open} filter={filter} now={now} onChanged={retry} />
        ) : chosen === null ? (
          projects.data === null ? null : (
            <EmptyState
              title="No project yet."
              text="Rules and channels belong to a project, and a project begins with its first run."
            />
          )
        ) : part === 'channels' ? (
          <ChannelsPart key={chosen} project={chosen} now={now} />
        ) : edited === null ? (
          <RulesPart key={chosen} project={chosen} now={now} />
        ) : (
          <RuleEditorPart key={`${chosen} ${edited}`} project={chosen} ruleId={edited} />
        )}
      </main>
    </div>
  );
}
