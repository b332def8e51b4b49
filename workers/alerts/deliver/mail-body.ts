import type { AlertMessage } from './alert-message';
import { headlineOf, linesOf, linksOf, oneLine } from './incident-lines';

export interface MailBody {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Longer subjects are cut by most readers anyway. */
const MAX_SUBJECT = 200;

export function toMailBody(message: AlertMessage): MailBody {
  const headline = headlineOf(message);
  const lines = linesOf(message);
  const links = linksOf(message);
  const steps = message.kind === 'test' ? [] : message.whatToDo;
  const runName = message.kind === 'test' ? '' : ` (${message.run.name})`;
  const text = [
    headline,
    '',
    ...lines.map(({ label, text: value }) => `${label}: ${value}`),
    ...(steps.length > 0 ? ['', 'What to do first:'] : []),
    ...steps.map((step, index) => `${index + 1}. ${step}`),
    '',
    ...links.map(({ label, url }) => `${label}: ${url}`),
    '',
  ].join('\n');
  const rows = lines.map(
    ({ label, text: value }) =>
      `<tr><th align="left" style="padding:2px 12px 2px 0;font-weight:normal;color:#5f6b7a">${escapeHtml(label)}</th>` +
      `<td style="padding:2px 0">${escapeHtml(value)}</td></tr>`,
  );
  const toDo = steps.map((step) => `<li>${escapeHtml(step)}</li>`);
  const html = [
    '<!doctype html><html><body style="font-family:sans-serif;font-size:14px;color:#16202b">',
    `<h1 style="font-size:18px">${escapeHtml(headline)}</h1>`,
    `<table cellspacing="0">${rows.join('')}</table>`,
    ...(toDo.length > 0
      ? [`<h2 style="font-size:14px">What to do first</h2><ol>${toDo.join('')}</ol>`]
      : []),
    `<p>${links.map(({ label, url }) => `<a href="${escapeHtml(url)}">${escapeHtml(label)}</a>`).join(' &nbsp; ')}</p>`,
    '</body></html>',
  ].join('\n');
  return { subject: toSubject(`[Spikescope] ${headline}${runName}`), text, html };
}

/** One line without control characters: a subject that holds a line break would go on as headers. */
function toSubject(text: string): string {
  const clean = oneLine(text);
  return clean.length <= MAX_SUBJECT ? clean : `${clean.slice(0, MAX_SUBJECT - 1)}…`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
