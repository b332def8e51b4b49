import type { Bucket } from '../../contract/reads';
import type { RunReport } from '../../contract/reports';
import { formatNumber, formatStep } from '../../view/text/format-number';
import { hasAttemptEnded } from '../../view/spikes/recovery-words';
import { prepareSpikeFacts, spikeKindWord } from '../../view/spikes/spike-facts';
import { plural } from '../words';
import { noteBlocks } from './note-blocks';
import type { ReportBlock, ReportDocument } from './report-document';
import { formatTime, type ReportOrigin } from './spike-report';
import { drawTimeline } from './svg-timeline';

const MOST_MARKS = 12;
const MOST_EVENTS = 40;
/** What a reader of the whole run wants of one spike. */
const TOLD = ['course', 'precursor', 'stages', 'attempts', 'aftermath'];

export function composeRunReport(
  { report, loss }: { readonly report: RunReport; readonly loss: readonly Bucket[] },
  origin: ReportOrigin,
): ReportDocument {
  const { run, spikes, postmortems, notes } = report;
  const lossSpikes = spikes.filter(({ kind }) => kind === 'loss_spike').length;
  const diverged = spikes.some(({ kind }) => kind === 'divergence');
  const title = diverged
    ? `${run.name} diverged`
    : lossSpikes === 0
      ? `${run.name}: no loss spike in ${stepCount(report)}`
      : `${run.name}: ${plural(lossSpikes, 'loss spike')} in ${stepCount(report)}`;
  return {
    title,
    subtitle: `Run report · ${run.project} / ${run.name} · ${run.status} · begun ${formatTime(run.createdAt)}`,
    blocks: [
      { kind: 'facts', items: factsOf(report) },
      {
        kind: 'figure',
        svg: drawRun(report, loss),
        caption: 'Loss along the effective trajectory, the highest of each stretch.',
      },
      ...spikeTable(report),
      ...postmortems.flatMap(({ headline, decision, sentences, spike }): ReportBlock[] => [
        { kind: 'heading', level: 3, text: `${formatStep(spike.onsetStep)}: ${headline}` },
        { kind: 'decision', text: decision },
        {
          kind: 'list',
          items: sentences
            .filter(({ kind }) => TOLD.includes(kind))
            .map(({ text }) => ({ lead: '', text, detail: '' })),
        },
      ]),
      ...restartBlocks(report),
      ...eventBlocks(report),
      ...noteBlocks(notes),
    ],
    footer: `Written ${formatTime(origin.writtenAt.toISOString())} by Spikescope from ${origin.url}`,
  };
}

function stepCount({ run }: RunReport): string {
  if (run.firstStep === null || run.lastStep === null) return '0 steps';
  return `${formatStep(run.lastStep - run.firstStep + 1)} steps`;
}

function factsOf({ run, spikes, rmsSpikeCount, lostSteps, warnings }: RunReport) {
  const count = (kind: string): string =>
    formatStep(spikes.filter((spike) => spike.kind === kind).length);
  return [
    { label: 'steps', value: `${formatStep(run.firstStep)} to ${formatStep(run.lastStep)}` },
    { label: 'last loss', value: run.isLastLossNonFinite ? 'NaN' : formatNumber(run.lastLoss) },
    { label: 'loss spikes', value: count('loss_spike') },
    { label: 'divergences', value: count('divergence') },
    { label: 'outlier batches', value: count('outlier_batch') },
    { label: 'RMS spikes', value: formatStep(rmsSpikeCount) },
    { label: 'attempts', value: formatStep(run.attempt) },
    { label: 'steps trained again', value: formatStep(lostSteps) },
    { label: 'warnings', value: formatStep(warnings.length) },
  ];
}

function drawRun({ run, spikes, events }: RunReport, loss: readonly Bucket[]): string {
  const marks = [
    ...spikes
      .filter(({ kind }) => kind !== 'outlier_batch')
      .map(({ onsetStep }) => ({
        ...{ step: onsetStep, label: formatStep(onsetStep), colour: 'spike' as const },
      })),
    ...events
      .filter(({ kind }) => kind === 'batch_skip' || kind === 'hyperparameter')
      .map(({ step, title }) => ({ step, label: title, colour: 'mark' as const })),
  ].slice(0, MOST_MARKS);
  return drawTimeline({
    title: `Loss of ${run.name}`,
    fromStep: run.firstStep ?? 0,
    toStep: run.lastStep ?? 1,
    lanes: [
      {
        ...{ label: 'Loss', heightPx: 180 },
        series: [
          {
            steps: loss.map(({ fromStep, toStep }) => Math.round((fromStep + toStep) / 2)),
            values: loss.map(({ max }) => max),
            style: 'main',
            label: '',
          },
        ],
      },
    ],
    intervals: spikes
      .filter(({ kind }) => kind === 'loss_spike')
      .map(({ onsetStep, recoveredStep }) => ({
        fromStep: onsetStep,
        toStep: recoveredStep ?? run.lastStep ?? onsetStep,
      })),
    marks,
  });
}

function spikeTable({ run, spikes }: RunReport): ReportBlock[] {
  if (spikes.length === 0) {
    return [{ kind: 'paragraph', text: 'No loss spike, outlier batch or divergence was found.' }];
  }
  return [
    { kind: 'heading', level: 2, text: 'Spikes' },
    {
      kind: 'table',
      head: ['onset', 'attempt', 'kind', 'verdict', 'lead', 'baseline', 'peak', 'recovered'],
      numeric: [0, 1, 5, 6, 7],
      rows: spikes.map((spike) => {
        const hasEnded = hasAttemptEnded(run, spike.attempt);
        const facts = new Map(
          prepareSpikeFacts(spike, hasEnded).map(({ label, value }) => [label, value]),
        );
        const of = (label: string): string => facts.get(label) ?? '–';
        return [
          of('onset'),
          String(spike.attempt),
          spike.kind === 'outlier_batch' ? spikeKindWord(spike.kind) : of('kind'),
          of('verdict'),
          of('lead'),
          of('baseline'),
          of('peak'),
          of('recovered'),
        ];
      }),
    },
  ];
}

/** The same of every spike: those of the newest postmortem are all there are. */
function restartBlocks({ postmortems }: RunReport): ReportBlock[] {
  const restarts = postmortems.at(-1)?.restarts ?? [];
  if (restarts.length === 0) return [];
  return [
    { kind: 'heading', level: 2, text: 'Did restarts take effect?' },
    { kind: 'list', items: restarts.map(({ text }) => ({ lead: '', text, detail: '' })) },
  ];
}

function eventBlocks({ events }: RunReport): ReportBlock[] {
  const told = events.filter(({ kind }) => kind !== 'checkpoint').slice(-MOST_EVENTS);
  if (told.length === 0) return [];
  return [
    { kind: 'heading', level: 2, text: 'Events' },
    {
      kind: 'table',
      head: ['step', 'attempt', 'kind', 'what'],
      numeric: [0, 1],
      rows: told.map(({ step, attempt, kind, title }) => [
        formatStep(step),
        String(attempt),
        kind.replaceAll('_', ' '),
        title,
      ]),
    },
  ];
}
