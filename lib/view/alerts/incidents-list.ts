/** Incidents in the order in which somebody should look at them, and in words. */
import type { AlertSeverity } from '../../contract/alert-rules';
import type { Incident } from '../../contract/incidents';
import { severityLabel } from './alert-condition';
import type { ChartTable, TableCell } from '../text/chart-table';
import { formatPeakValue } from './peak-value';
import { formatAge, formatStep } from '../text/format-number';
import { spellAge } from '../runs/runs-verdict';

export type IncidentStanding = 'waiting' | 'acknowledged' | 'closed';

export function standingOf({ closedAt, acknowledgedAt }: Incident): IncidentStanding {
  if (closedAt !== null) return 'closed';
  return acknowledgedAt === null ? 'waiting' : 'acknowledged';
}

const STANDINGS: readonly IncidentStanding[] = ['waiting', 'acknowledged', 'closed'];
const LOUDEST_FIRST: readonly AlertSeverity[] = ['page', 'warn', 'note'];

/** Whose turn it is first: nobody has it, then the loudest, then the newest. */
export function orderIncidents(incidents: readonly Incident[]): readonly Incident[] {
  const rank = (incident: Incident): readonly number[] => {
    const standing = standingOf(incident);
    return [
      STANDINGS.indexOf(standing),
      // What is over is history: the newest first, however loud it was.
      standing === 'closed' ? 0 : LOUDEST_FIRST.indexOf(incident.severity),
      -Date.parse(incident.openedAt),
    ];
  };
  return incidents
    .map((incident) => ({ incident, rank: rank(incident) }))
    .sort((a, b) => {
      const at = a.rank.findIndex((part, index) => part !== b.rank[index]);
      return at === -1 ? 0 : (a.rank[at] ?? 0) - (b.rank[at] ?? 0);
    })
    .map(({ incident }) => incident);
}

/** The run where it happened, at the step, and at the layer where it is one's. */
export function incidentHref({ runId, openedStep, layers }: Incident): string {
  const run = `/runs/${encodeURIComponent(runId)}`;
  if (openedStep === null) return run;
  const [layer] = layers;
  return `${run}?step=${openedStep}${layer === undefined ? '' : `&layer=${layer}`}`;
}

/** The spike that it tells of, in full. */
export function postmortemHref({ runId, spikeId }: Incident): string | null {
  return spikeId === null
    ? null
    : `/runs/${encodeURIComponent(runId)}/spikes/${encodeURIComponent(spikeId)}`;
}

/** As a line of its own begins: a plain word with a capital, the name of a metric as it is. */
export function titleOfIncident({ title }: Pick<Incident, 'title'>): string {
  return /^[a-z]+\b(?![._/])/.test(title) ? title.charAt(0).toUpperCase() + title.slice(1) : title;
}

/** The mark of what it is about. */
export function incidentMark({
  kind,
}: Incident['condition']):
  'loss_spike' | 'divergence' | 'rms_spike' | 'warning' | 'limit' | 'silence' {
  switch (kind) {
    case 'loss_spike':
    case 'divergence':
    case 'rms_spike':
      return kind;
    case 'non_finite':
      return 'divergence';
    case 'stage':
    case 'curvature':
      return 'warning';
    case 'threshold':
    case 'z_score':
      return 'limit';
    case 'no_data':
      return 'silence';
  }
}

const ENDS: Readonly<Record<NonNullable<Incident['closedBy']>, string>> = {
  recovered: 'recovered',
  run_ended: 'the run ended',
  new_attempt: 'a new attempt began',
  rule_changed: 'the rule was changed',
};

export interface IncidentWords {
  /** How long it has been open, or how long ago it ended. */
  readonly age: string;
  /** What became of it: "open", "acknowledged by Ada", "recovered after 4 min". */
  readonly state: string;
  /** "2.84 at 319"; null without one. */
  readonly peak: string | null;
  /** "3 layers"; null where it is about no layer. */
  readonly layers: string | null;
}

export function describeIncident(incident: Incident, nowMs: number): IncidentWords {
  const { openedAt, closedAt, closedBy, acknowledgedBy, peakValue, peakStep, layerCount } =
    incident;
  const openedMs = Date.parse(openedAt);
  const closedMs = closedAt === null ? null : Date.parse(closedAt);
  const muted = incident.wasMuted ? ', was muted' : '';
  const by = acknowledgedBy === null ? null : `acknowledged by ${acknowledgedBy}`;
  const state =
    closedMs === null
      ? (by ?? 'open')
      : `${ENDS[closedBy ?? 'recovered']} after ${formatAge(closedMs - openedMs)}${by === null ? '' : `, ${by}`}`;
  return {
    age: formatAge(nowMs - (closedMs ?? openedMs)),
    state: state + muted,
    peak:
      peakValue === null
        ? null
        : `${formatPeakValue(incident.condition.kind, peakValue)}${peakStep === null ? '' : ` at ${formatStep(peakStep)}`}`,
    layers:
      layerCount === 0
        ? null
        : `${formatStep(layerCount)} ${layerCount === 1 ? 'layer' : 'layers'}`,
  };
}

export interface IncidentsVerdict {
  /** null where nothing waits for anybody. */
  readonly alarm: { readonly words: string; readonly incident: Incident } | null;
  readonly sentence: string;
  readonly detail: string | null;
}

const NUMBER_WORDS = ['No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine'];
const countWord = (count: number): string => NUMBER_WORDS[count] ?? formatStep(count);

/**
 * One sentence over what is open: how many incidents wait for somebody, and the first of
 * them.
 *
 * Empty  nothing is open; says when the newest was
 */
export function prepareIncidentsVerdict(
  open: readonly Incident[],
  newestClosed: Incident | null,
  nowMs: number,
  /** Where was looked, "in char-lm"; null for everywhere. */
  place: string | null = null,
): IncidentsVerdict {
  const ordered = orderIncidents(open);
  const waiting = ordered.filter((incident) => standingOf(incident) === 'waiting');
  const heldCount = ordered.length - waiting.length;
  const held =
    heldCount === 0
      ? null
      : `${countWord(heldCount)} ${heldCount === 1 ? 'is' : 'are'} open and acknowledged.`;
  const [first] = waiting;
  if (first !== undefined) {
    const age = spellAge(nowMs - Date.parse(first.openedAt));
    const more = waiting.length === 1 ? '' : 'The first: ';
    return {
      alarm: {
        words: `${countWord(waiting.length)} ${waiting.length === 1 ? 'incident needs' : 'incidents need'} somebody.`,
        incident: first,
      },
      sentence: `${first.runName}: ${first.title}`,
      detail: [`${more}${severityLabel(first.severity)}, open for ${age}.`, held]
        .filter((part) => part !== null)
        .join(' '),
    };
  }
  const closedAt = newestClosed?.closedAt ?? null;
  const where = place === null ? '' : ` ${place}`;
  return {
    alarm: null,
    sentence: held === null ? `Nothing is open${where}.` : `Nothing waits for anybody${where}.`,
    detail:
      held ??
      (newestClosed === null || closedAt === null
        ? null
        : `The newest was on ${newestClosed.runName} and has been over for ${spellAge(nowMs - Date.parse(closedAt))}.`),
  };
}

const COLUMNS: readonly {
  readonly name: string;
  readonly kind: 'step' | 'count' | 'value' | 'text';
  readonly read: (incident: Incident) => TableCell;
}[] = [
  { name: 'incident', kind: 'text', read: ({ id }) => id },
  { name: 'project', kind: 'text', read: ({ project }) => project },
  { name: 'run', kind: 'text', read: ({ runId }) => runId },
  { name: 'attempt', kind: 'count', read: ({ attempt }) => attempt },
  { name: 'rule', kind: 'text', read: ({ ruleName }) => ruleName },
  { name: 'severity', kind: 'text', read: ({ severity }) => severity },
  { name: 'title', kind: 'text', read: ({ title }) => title },
  { name: 'opened_step', kind: 'step', read: ({ openedStep }) => openedStep },
  { name: 'closed_step', kind: 'step', read: ({ closedStep }) => closedStep },
  { name: 'opened_at', kind: 'text', read: ({ openedAt }) => openedAt },
  { name: 'closed_at', kind: 'text', read: ({ closedAt }) => closedAt },
  { name: 'closed_by', kind: 'text', read: ({ closedBy }) => closedBy },
  { name: 'peak_value', kind: 'value', read: ({ peakValue }) => peakValue },
  { name: 'peak_step', kind: 'step', read: ({ peakStep }) => peakStep },
  { name: 'layer_count', kind: 'count', read: ({ layerCount }) => layerCount },
  { name: 'spike', kind: 'text', read: ({ spikeId }) => spikeId },
  { name: 'acknowledged_at', kind: 'text', read: ({ acknowledgedAt }) => acknowledgedAt },
  { name: 'acknowledged_by', kind: 'text', read: ({ acknowledgedBy }) => acknowledgedBy },
];

/** Incidents as rows of a file. */
export function incidentsTable(incidents: readonly Incident[]): ChartTable {
  return {
    caption: 'Incidents',
    columns: COLUMNS.map(({ name, kind }) => ({ name, kind })),
    keyColumnCount: 1,
    rowCount: incidents.length,
    cell: (row, column) => {
      const incident = incidents[row];
      return incident === undefined ? null : (COLUMNS[column]?.read(incident) ?? null);
    },
  };
}

/** What a notification of the browser says, and where a click on it leads. */
export interface IncidentNotice {
  readonly title: string;
  readonly body: string;
  /** One notification an incident, whoever shows it. */
  readonly tag: string;
  readonly href: string;
  /** Whether it stays until somebody has seen it. */
  readonly isSticky: boolean;
  /** Whether it tells of an end. */
  readonly isOver: boolean;
}

const NOTICE_TAG = 'spikescope-incident-';

/** The incident that a notification is about; null where it is about none. */
export function incidentOfNotice(tag: string): string | null {
  return tag.startsWith(NOTICE_TAG) ? tag.slice(NOTICE_TAG.length) : null;
}

export function prepareNotice(incident: Incident): IncidentNotice {
  return {
    title: `${severityLabel(incident.severity)}: ${incident.runName}`,
    body: `${incident.title}\n${incident.ruleName} · ${incident.project}`,
    tag: `${NOTICE_TAG}${incident.id}`,
    href: incidentHref(incident),
    isSticky: incident.severity === 'page',
    isOver: false,
  };
}

/** Of an incident that is over, in the place of the notice that it opened with. */
export function prepareOverNotice(incident: Incident): IncidentNotice {
  const { closedBy, closedStep, runName } = incident;
  const at = closedStep === null ? '' : ` at step ${formatStep(closedStep)}`;
  return {
    ...prepareNotice(incident),
    title: `Over: ${runName}`,
    body: `${incident.title}\n${ENDS[closedBy ?? 'recovered']}${at} · ${incident.project}`,
    isSticky: false,
    isOver: true,
  };
}
