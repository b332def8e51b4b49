import type { AlertSeverity } from '../../../lib/contract/alert-rules';
import { peakWords, countWords } from '../../../lib/alerts/words';
import type { AlertMessage, IncidentMessage, TestMessage } from './alert-message';

/** What is said beside a title: a name and a text each, for people, in every channel the same. */
export interface MessageLine {
  readonly label: string;
  readonly text: string;
}

const SEVERITY_WORDS: Readonly<Record<AlertSeverity, string>> = {
  page: 'Act now',
  warn: 'Warning',
  note: 'Note',
};

function severityWord(severity: AlertSeverity): string {
  return SEVERITY_WORDS[severity];
}

/** More names than these are counted: a message is read on a phone. */
const MAX_NAMED_LAYERS = 8;

/** The first line of a message. */
export function headlineOf(message: AlertMessage): string {
  return message.kind === 'test'
    ? 'Test: Spikescope can send to this channel'
    : `${severityWord(message.severity)}: ${oneLine(message.title)}`;
}

/**
 * Names come from training jobs: one that holds a line break would write lines of its own.
 * The thin space within a number stays: there no line may break.
 */
export function oneLine(text: string): string {
  return text.replaceAll(/(?:(?!\u202f)[\p{Cc}\s])+/gu, ' ').trim();
}

export function linesOf(message: AlertMessage): readonly MessageLine[] {
  const lines = message.kind === 'test' ? testLines(message) : incidentLines(message);
  return lines.flatMap(({ label, text }) =>
    text === null ? [] : [{ label, text: oneLine(text) }],
  );
}

interface OptionalLine {
  readonly label: string;
  /** null: there is nothing to say. */
  readonly text: string | null;
}

function testLines({ channelName, project }: TestMessage): readonly OptionalLine[] {
  return [
    { label: 'Channel', text: channelName },
    { label: 'Project', text: project },
    { label: 'Meaning', text: 'Nothing happened. Someone tried whether messages arrive here.' },
  ];
}

function incidentLines(message: IncidentMessage): readonly OptionalLine[] {
  return [
    { label: 'Run', text: runText(message) },
    { label: 'Project', text: message.project },
    { label: 'Step', text: stepText(message) },
    { label: 'Peak', text: peakText(message) },
    { label: 'Layers', text: layersText(message) },
    { label: 'Rule', text: message.ruleName },
    { label: 'Since', text: timeText(message.openedAt) },
    {
      label: 'Over',
      text: message.closedAt === null ? null : `since ${timeText(message.closedAt)}`,
    },
  ];
}

function runText({ run }: IncidentMessage): string {
  return run.name === run.id ? run.id : `${run.name} (${run.id})`;
}

function stepText({ openedStep, attempt }: IncidentMessage): string | null {
  if (openedStep === null) return null;
  return `${countWords(openedStep)}${attempt > 1 ? ` of attempt ${attempt}` : ''}`;
}

function peakText({ peak, condition }: IncidentMessage): string | null {
  return peak === null ? null : peakWords(condition.kind, peak.value, peak.step);
}

function layersText({ layers, layerCount }: IncidentMessage): string | null {
  if (layerCount === 0) return null;
  const named = layers.slice(0, MAX_NAMED_LAYERS);
  const rest = layerCount - named.length;
  const names = named.map(({ index, name }) => `${name} (${index})`);
  if (rest > 0) names.push(named.length === 0 ? countWords(rest) : `and ${countWords(rest)} more`);
  return names.join(', ');
}

function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export interface MessageLink {
  readonly label: string;
  readonly url: string;
}

export function linksOf(message: AlertMessage): readonly MessageLink[] {
  if (message.kind === 'test') return [{ label: 'Open Spikescope', url: message.url }];
  const run = { label: 'Open the run', url: message.runUrl };
  return message.postmortemUrl === null
    ? [run]
    : [run, { label: 'Open the postmortem', url: message.postmortemUrl }];
}
