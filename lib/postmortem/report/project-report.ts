import type { ProjectReport } from '../../contract/reports';
import { formatAge, formatPercent, formatStep } from '../../view/text/format-number';
import { prepareSpikeFacts } from '../../view/spikes/spike-facts';
import { plural } from '../words';
import type { ReportBlock, ReportDocument } from './report-document';
import { formatTime, type ReportOrigin } from './spike-report';

export function composeProjectReport(report: ProjectReport, origin: ReportOrigin): ReportDocument {
  const { project, week, from, to, spikes, activeRuns } = report;
  const lastDay = new Date(Date.parse(to) - 1).toISOString().slice(0, 10);
  return {
    title: `${project}, ${week}: ${plural(spikes.length, 'loss spike')} in ${plural(activeRuns.length, 'run')}`,
    subtitle: `Weekly report · ${from.slice(0, 10)} to ${lastDay}, UTC`,
    blocks: [
      { kind: 'facts', items: factsOf(report) },
      ...spikeBlocks(report),
      ...warningBlocks(report),
      ...runBlocks(report),
    ],
    footer: `Written ${formatTime(origin.writtenAt.toISOString())} by Spikescope from ${origin.url}`,
  };
}

function factsOf(report: ProjectReport) {
  const { medianStepsToRecover, medianSecondsToRecover, spikes } = report;
  const found = spikes.filter(({ spike }) => spike.verdict === 'precursor_found').length;
  return [
    { label: 'loss spikes and divergences', value: formatStep(spikes.length) },
    { label: 'with a precursor', value: formatStep(found) },
    { label: 'outlier batches', value: formatStep(report.outlierBatchCount) },
    { label: 'steps trained again', value: formatStep(report.lostSteps) },
    {
      label: 'median steps to recover',
      value: formatStep(medianStepsToRecover),
    },
    {
      label: 'median time to recover',
      value: medianSecondsToRecover === null ? '–' : formatAge(medianSecondsToRecover * 1000),
    },
  ];
}

function spikeBlocks({ spikes }: ProjectReport): ReportBlock[] {
  if (spikes.length === 0) {
    return [{ kind: 'paragraph', text: 'No loss spike and no divergence in this week.' }];
  }
  return [
    { kind: 'heading', level: 2, text: 'Spikes' },
    {
      kind: 'table',
      head: ['when (UTC)', 'run', 'onset', 'kind', 'verdict', 'lead', 'peak', 'time to recover'],
      numeric: [2, 6, 7],
      rows: spikes.map(({ at, runName, secondsToRecover, spike, hasEnded }) => {
        const facts = new Map(
          prepareSpikeFacts(spike, hasEnded).map(({ label, value }) => [label, value]),
        );
        return [
          at.slice(0, 16).replace('T', ' '),
          runName,
          ...['onset', 'kind', 'verdict', 'lead', 'peak'].map((label) => facts.get(label) ?? '–'),
          secondsToRecover === null ? '–' : formatAge(secondsToRecover * 1000),
        ];
      }),
    },
  ];
}

function warningBlocks({ warnings }: ProjectReport): ReportBlock[] {
  return [
    { kind: 'heading', level: 2, text: 'Precision of warnings' },
    ...(warnings.length === 0
      ? [{ kind: 'paragraph' as const, text: 'Nothing was warned of in this week.' }]
      : [
          {
            kind: 'table' as const,
            head: ['warning', 'given', 'followed by a loss spike', 'within steps', 'precision'],
            numeric: [1, 2, 3, 4],
            rows: warnings.map(({ kind, warned, followed, withinSteps }) => [
              kind.replaceAll('_', ' ').replace('rms', 'RMS'),
              formatStep(warned),
              formatStep(followed),
              formatStep(withinSteps),
              formatPercent(followed / warned),
            ]),
          },
        ]),
  ];
}

function runBlocks({ activeRuns }: ProjectReport): ReportBlock[] {
  if (activeRuns.length === 0) return [];
  return [
    { kind: 'heading', level: 2, text: 'Runs' },
    {
      kind: 'table',
      head: ['run', 'loss spikes', 'steps trained again'],
      numeric: [1, 2],
      rows: activeRuns.map(({ name, spikeCount, lostSteps }) => [
        name,
        formatStep(spikeCount),
        formatStep(lostSteps),
      ]),
    },
  ];
}
