/** A postmortem as a document. */
import type { Evidence, Postmortem } from '../../contract/postmortem';
import { describeMetric } from '../../contract/standard-metrics';
import {
  formatFactor,
  formatFixed,
  formatNumber,
  formatPercent,
  formatSetting,
  formatStep,
} from '../../view/text/format-number';
import { prepareSpikeFacts, spikeKindWord, waysBack } from '../../view/spikes/spike-facts';
import type { LayerDistributions } from '../facts';
import { metricValue } from '../words';
import { noteBlocks } from './note-blocks';
import type { ReportBlock, ReportDocument } from './report-document';
import { drawDistributions } from './svg-distributions';
import { drawMovers } from './svg-movers';
import { drawTimeline, type TimelineFigure } from './svg-timeline';

export interface SpikeReport {
  readonly postmortem: Postmortem;
  readonly distributions: readonly LayerDistributions[];
}

const MOST_TABLE_MOVERS = 16;
const MOST_EVIDENCE = 4;

export interface ReportOrigin {
  /** The page that shows the same, live. */
  readonly url: string;
  readonly writtenAt: Date;
}

export function composeSpikeReport(report: SpikeReport, origin: ReportOrigin): ReportDocument {
  const { postmortem } = report;
  const { run, spike, onsetAt } = postmortem;
  return {
    title: postmortem.headline,
    subtitle: [
      `Postmortem · ${run.project} / ${run.name}`,
      `attempt ${spike.attempt}`,
      `${spikeKindWord(spike.kind)} ${postmortem.place.index} of ${postmortem.place.count}`,
      ...(onsetAt === null ? [] : [formatTime(onsetAt)]),
    ].join(' · '),
    blocks: spikeBlocks(report),
    footer: `Written ${formatTime(origin.writtenAt.toISOString())} by Spikescope from ${origin.url}`,
  };
}

function spikeBlocks({ postmortem, distributions }: SpikeReport): ReportBlock[] {
  return [
    { kind: 'decision', text: postmortem.decision },
    { kind: 'facts', items: factItems(postmortem) },
    { kind: 'figure', svg: drawTimeline(timelineOf(postmortem)), caption: captionOf(postmortem) },
    { kind: 'heading', level: 2, text: 'What happened' },
    {
      kind: 'list',
      items: postmortem.sentences.map(({ text, evidence }) => ({
        ...{ lead: '', text, detail: '' },
        numbers: describeEvidence(postmortem, evidence),
      })),
    },
    { kind: 'heading', level: 2, text: 'What can be done' },
    { kind: 'list', items: remedyItems(postmortem) },
    ...moverBlocks(postmortem),
    ...distributionBlocks(postmortem, distributions),
    ...leadLagBlocks(postmortem),
    ...restartBlocks(postmortem),
    ...noteBlocks(postmortem.notes),
  ];
}

function factItems(postmortem: Postmortem): { label: string; value: string }[] {
  const { optimizer, spike, hasEnded, watchedSteps } = postmortem;
  const betas = [optimizer.beta1, optimizer.beta2].map((beta) => formatSetting(beta ?? null));
  return [
    ...prepareSpikeFacts(spike, hasEnded, watchedSteps).map(({ label, value, after }) => ({
      label,
      value: after === undefined ? value : `${value}, ${after}`,
    })),
    {
      label: 'optimizer',
      value: `${optimizer.name}, β ${betas.join(' / ')}, ε ${formatSetting(optimizer.epsilon ?? null)}`,
    },
  ];
}

function timelineOf({ spike, attempts, fromStep, toStep, changes }: Postmortem): TimelineFigure {
  const [own, ...others] = attempts;
  const courses = own === undefined ? [] : [own, ...others];
  const lane = (label: string, heightPx: number, value: 'loss' | 'gradientNorm') => ({
    ...{ label, heightPx },
    series: courses.map((course, index) => ({
      steps: course.steps,
      values: course[value],
      style: index === 0 ? ('main' as const) : ('other' as const),
      label: courses.length < 2 ? '' : `attempt ${course.attempt}`,
    })),
  });
  const sign = firstSignOf(spike);
  return {
    title: `Loss and gradient norm from step ${fromStep} to ${toStep}`,
    ...{ fromStep, toStep },
    lanes: [lane('Loss', 150, 'loss'), lane('Grad norm', 84, 'gradientNorm')],
    intervals: [{ fromStep: spike.onsetStep, toStep: spike.recoveredStep ?? toStep }],
    marks: [
      { step: spike.onsetStep, label: `${formatStep(spike.onsetStep)} onset`, colour: 'spike' },
      ...(sign === null
        ? []
        : [{ step: sign, label: `${formatStep(sign)} first movers`, colour: 'rms' as const }]),
      ...(spike.recoveredStep === null
        ? []
        : [
            {
              step: spike.recoveredStep,
              label: `${formatStep(spike.recoveredStep)} recovered`,
              colour: 'mark' as const,
            },
          ]),
      ...changes
        // Checkpoints change nothing, and their names would stand over that of the onset.
        .filter(({ kind, step }) => kind !== 'checkpoint' && step >= fromStep && step <= toStep)
        .map(({ step, text }) => ({ step, label: text, colour: 'mark' as const })),
    ],
  };
}

/** The step on which the first of those that led moved; null where none did. */
function firstSignOf(spike: Postmortem['spike']): number | null {
  const steps = [...spike.firstMovers, ...spike.globalMovers]
    .filter(({ leadSteps }) => leadSteps >= 1)
    .map(({ step }) => step);
  return steps.length === 0 ? null : Math.min(...steps);
}

function captionOf({ fromStep, toStep, attempts }: Postmortem): string {
  const others = attempts.slice(1).map(({ attempt, skippedBatches }) => {
    const skipped = skippedBatches.map(({ title }) => title).join('; ');
    return `attempt ${attempt}${skipped === '' ? '' : ` (skipped: ${skipped})`} in blue`;
  });
  return [
    `Loss and gradient norm, steps ${formatStep(fromStep)} to ${formatStep(toStep)}`,
    ...others,
  ]
    .join('; ')
    .concat('.');
}

function describeEvidence(postmortem: Postmortem, evidence: readonly Evidence[]): string {
  const told = evidence.slice(0, MOST_EVIDENCE).map(({ metric, layer, step, value }) => {
    const what = metric.replace(/^(stage|change):/, '').replaceAll('_', ' ');
    const known = describeMetric(metric);
    const label = known.label === metric ? what : known.label;
    const of =
      layer === null ? '' : ` of ${postmortem.layerNames[String(layer)] ?? `layer ${layer}`}`;
    const number = value === null ? '' : ` ${metricValue(metric, value)}`;
    return `${label}${of}${number} at ${formatStep(step)}`;
  });
  const more = evidence.length - told.length;
  return [...told, ...(more > 0 ? [`${more} more`] : [])].join(' · ');
}

function moverBlocks(postmortem: Postmortem): ReportBlock[] {
  const { movers, moverCount } = postmortem;
  if (movers.length === 0) return [];
  const shown = movers.slice(0, MOST_TABLE_MOVERS);
  const picture = drawMovers(postmortem);
  return [
    { kind: 'heading', level: 2, text: 'First movers' },
    ...(picture === ''
      ? []
      : [
          {
            kind: 'figure' as const,
            svg: picture,
            caption:
              'Each layer against its own median over 64 steps, brighter is farther from it on a logarithmic scale. The line is where leads count from.',
          },
        ]),
    {
      kind: 'table',
      head: ['lead', 'layer', 'metric', 'step', 'value', 'times its median', 'z'],
      numeric: [0, 3, 4, 5, 6],
      rows: shown.map(({ leadSteps, name, metric, step, value, usual, z }) => [
        String(leadSteps),
        name,
        describeMetric(metric).label,
        formatStep(step),
        value === null ? '–' : metricValue(metric, value),
        value === null || usual === null || usual <= 0 ? '–' : formatFactor(value / usual),
        z === null ? '–' : formatFixed(z, 1),
      ]),
    },
    ...(moverCount > shown.length
      ? [{ kind: 'small' as const, text: `${moverCount - shown.length} more layers moved.` }]
      : []),
  ];
}

function distributionBlocks(
  { movers }: Postmortem,
  distributions: readonly LayerDistributions[],
): ReportBlock[] {
  const figures = distributions.flatMap((entry): ReportBlock[] => {
    const name = movers.find(({ layer }) => layer === entry.layer)?.name ?? `layer ${entry.layer}`;
    const picture = drawDistributions(name, entry);
    return picture === ''
      ? []
      : [
          {
            kind: 'figure',
            svg: picture,
            caption: `${name}: the update u and the ratio r before, at and after. Dashed: the healthy normal; violet: where one dominant gradient puts peaks.`,
          },
        ];
  });
  if (figures.length === 0) return [];
  return [{ kind: 'heading', level: 2, text: 'u and r of the first movers' }, ...figures];
}

function leadLagBlocks({ leadLag }: Postmortem): ReportBlock[] {
  if (leadLag.length === 0) return [];
  return [
    { kind: 'heading', level: 2, text: 'Do RMS spikes announce loss spikes?' },
    {
      kind: 'table',
      head: ['layer', 'RMS spikes', 'loss spikes', 'preceded', 'steps so near', 'p'],
      numeric: [1, 2, 3, 4, 5],
      rows: leadLag
        .slice(0, 8)
        .map(({ name, rmsSpikeCount, lossSpikeCount, precededCount, chance, tail }) => [
          name,
          ...[rmsSpikeCount, lossSpikeCount, precededCount].map(String),
          formatPercent(chance),
          formatNumber(tail),
        ]),
    },
    {
      kind: 'small',
      text: 'Preceded: by 1 to 8 steps. Steps so near: the share of all steps that follow an RMS spike so soon. p: the probability of as many or more by chance, for this layer alone; with many layers the smallest is small by chance too, so multiply it by their number.',
    },
  ];
}

const SIGNS = { offered: '✓', unknown: '?', not_now: '–' } as const;

function remedyItems(postmortem: Postmortem) {
  const { remedies } = postmortem;
  return [
    ...waysBack(postmortem).map((text) => ({ lead: '→', text, detail: '' })),
    ...remedies.map(({ standing, title, reason, caveat }) => ({
      lead: `${SIGNS[standing]} ${title}:`,
      text: `${reason}.`,
      detail: standing === 'offered' ? caveat : '',
    })),
  ];
}

function restartBlocks({ restarts }: Postmortem): ReportBlock[] {
  if (restarts.length === 0) return [];
  return [
    { kind: 'heading', level: 2, text: 'Did restarts take effect?' },
    { kind: 'list', items: restarts.map(({ text }) => ({ lead: '', text, detail: '' })) },
  ];
}

/** "2026-11-22 02:51 UTC". */
export function formatTime(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}
