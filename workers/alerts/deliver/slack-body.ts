import type { AlertMessage } from './alert-message';
import { headlineOf, linesOf, linksOf } from './incident-lines';

interface SlackText {
  readonly type: 'plain_text' | 'mrkdwn';
  readonly text: string;
}
type SlackBlock =
  | { readonly type: 'header'; readonly text: SlackText }
  | { readonly type: 'section'; readonly text: SlackText };

export interface SlackBody {
  /** All of it: what a notification shows, and what receivers show that know no blocks. */
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
}

/** Slack refuses a message with a longer one. */
const MAX_HEADER = 150;
const MAX_SECTION = 3000;

export function toSlackBody(message: AlertMessage): SlackBody {
  const headline = headlineOf(message);
  const lines = linesOf(message).map(({ label, text }) => `*${label}* ${escapeSlack(text)}`);
  const steps = message.kind === 'test' ? [] : message.whatToDo;
  const toDo = steps.map((step, index) => `${index + 1}. ${escapeSlack(step)}`);
  const links = linksOf(message).map(({ label, url }) => `<${url}|${label}>`);
  const sections = [lines, toDo, [links.join(' · ')]]
    .filter((part) => part.length > 0)
    .map((part) => joinUpTo(part, MAX_SECTION));
  return {
    text: [`*${escapeSlack(headline)}*`, ...sections].join('\n'),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: shorten(headline, MAX_HEADER) } },
      ...sections.map((text): SlackBlock => ({ type: 'section', text: { type: 'mrkdwn', text } })),
    ],
  };
}

/**
 * Slack's three characters, as it asks for; and an invisible character behind each @, since
 * what understands Slack's messages may call a whole team where a run is named "@all".
 */
function escapeSlack(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '@\u200b');
}

/** Whole lines, so that no link and no escape is cut. */
function joinUpTo(lines: readonly string[], maxLength: number): string {
  let joined = '';
  for (const line of lines) {
    const next = joined === '' ? line : `${joined}\n${line}`;
    if (next.length > maxLength) break;
    joined = next;
  }
  return joined;
}

function shorten(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
}
