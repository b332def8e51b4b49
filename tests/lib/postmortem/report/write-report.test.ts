import { describe, expect, it } from 'vitest';
import { composePostmortem } from '@/lib/postmortem/compose-postmortem';
import { isoWeekOf, periodOfWeek } from '@/lib/postmortem/iso-week';
import { composeSpikeReport } from '@/lib/postmortem/report/spike-report';
import { writeHtml } from '@/lib/postmortem/report/write-html';
import { writeMarkdown } from '@/lib/postmortem/report/write-markdown';
import { countFollowed } from '@/lib/query/read-project-report';
import { anEvent, someFacts } from '@/tests/builders/postmortem-facts';
import { aSpike } from '@/tests/builders/spike';

const ORIGIN = {
  url: 'http://spikes.example.org/runs/run/spikes/1',
  writtenAt: new Date('2026-11-22T12:00:00Z'),
};
const HOSTILE = '<img src=x onerror=alert(1)> "quoted" & **bold** | [x](javascript:alert(1))';

function hostileReport() {
  const facts = someFacts({
    run: { ...someFacts().run, name: HOSTILE, layerNames: [HOSTILE, 'b', 'c', 'd'] },
    spike: aSpike({
      recovery: 'fast',
      recoveredStep: 562,
      firstMovers: [{ layer: 0, metric: 'rms', step: 551, leadSteps: 1, z: 7 }],
    }),
    events: [anEvent({ step: 540, kind: 'hyperparameter', title: HOSTILE })],
    notes: [
      {
        ...{ id: 'n', spikeId: null, layer: null, fromStep: 552, toStep: null, attempt: 1 },
        ...{ author: HOSTILE, editor: HOSTILE, revision: 1 },
        markdown: `# ${HOSTILE}\n\n<script>alert(1)</script> [ok](https://x.org) [no](javascript:alert(1))`,
        createdAt: '2026-11-22T10:00:00.000Z',
        updatedAt: '2026-11-22T10:00:00.000Z',
      },
    ],
  });
  return composeSpikeReport({ postmortem: composePostmortem(facts), distributions: [] }, ORIGIN);
}

it('names what changed before the spike in its picture, but no checkpoint', () => {
  const postmortem = composePostmortem(
    someFacts({
      events: [
        anEvent({ step: 530, title: 'saved' }),
        anEvent({ step: 540, kind: 'hyperparameter', title: 'clip 1.0' }),
      ],
    }),
  );
  const html = writeHtml(composeSpikeReport({ postmortem, distributions: [] }, ORIGIN));
  const [picture] = html.match(/<svg[\s\S]*?<\/svg>/) ?? [];
  expect(picture).toMatch(/>552 onset</);
  expect(picture).toMatch(/>setting: clip 1\.0</);
  expect(picture).not.toMatch(/saved/);
});

describe('a report in HTML', () => {
  const html = writeHtml(hostileReport());

  it('stands alone: no script, nothing loaded, a policy that says so', () => {
    expect(html).toMatch(/Content-Security-Policy" content="default-src 'none'/);
    expect(html).not.toMatch(/<script|<link|<iframe|src=(?!x)|url\(/i);
    expect(html).toContain('<svg');
    expect(html).toContain(ORIGIN.url);
  });

  it('makes text of whatever people wrote', () => {
    expect(html).not.toMatch(/<img|<script/i);
    expect(html).not.toMatch(/href="javascript/i);
    expect(html).toContain('<a href="https://x.org" rel="noreferrer">ok</a>');
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    // Every attribute that quotes a name is closed by its own quote.
    expect(html).not.toMatch(/aria-label="[^"]*<[^"]*"/);
  });

  it('is well formed: every picture parses as XML', () => {
    const pictures = html.match(/<svg[\s\S]*?<\/svg>/g) ?? [];
    expect(pictures.length).toBeGreaterThanOrEqual(2);
    for (const picture of pictures) {
      const open = picture.match(/<(text|g|title|svg)\b/g) ?? [];
      const closed = picture.match(/<\/(text|g|title|svg)>/g) ?? [];
      expect(open.length).toBe(closed.length);
      expect(picture).not.toMatch(/NaN|undefined|Infinity/);
    }
  });
});

it('writes Markdown in which no name becomes a tag, a table cell or a link', () => {
  const markdown = writeMarkdown(hostileReport());
  expect(markdown).toMatch(/^# /);
  expect(markdown).not.toMatch(/<(?!br)/);
  const [head, ...rows] = markdown.split('\n').filter((line) => line.startsWith('| '));
  const cells = (line: string) => line.split(/(?<!\\)\|/).length;
  expect(rows.length).toBeGreaterThan(1);
  for (const row of rows.slice(0, 2)) expect(cells(row)).toBe(cells(head!));
  expect(markdown).toContain('> &lt;script>alert(1)&lt;/script>');
});

it('writes Markdown for a chat: no words of pictures, no backslash inside a name', () => {
  const document = {
    title: 'h.0.attn.c_attn moved',
    subtitle: '_loud_',
    blocks: [
      { kind: 'decision' as const, text: 'Wait until step 602.' },
      { kind: 'heading' as const, level: 2 as const, text: 'Pictures' },
      { kind: 'figure' as const, svg: '<svg></svg>', caption: 'Dashed: something.' },
      { kind: 'heading' as const, level: 2 as const, text: 'Told' },
      {
        kind: 'list' as const,
        items: [{ lead: '', text: 'It rose.', detail: '', numbers: 'loss 4.1 at 552' }],
      },
    ],
    footer: 'http://spikes.example.org/runs/B_run/spikes/1-loss_spike-552',
  };
  expect(writeMarkdown(document)).toBe(
    [
      '# h.0.attn.c_attn moved',
      '\\_loud\\_',
      '**Wait until step 602.**',
      '## Told',
      '- It rose.',
      '---',
      'http://spikes.example.org/runs/B_run/spikes/1-loss_spike-552\n',
    ].join('\n\n'),
  );
  expect(writeHtml(document)).toContain('<small>loss 4.1 at 552</small>');
});

describe('a week', () => {
  it('is that of ISO 8601', () => {
    expect(isoWeekOf(new Date('2026-11-22T23:59:59Z'))).toBe('2026-W47');
    expect(isoWeekOf(new Date('2026-11-23T00:00:00Z'))).toBe('2026-W48');
    // 1 January 2027 is a Friday of week 53, 30 December 2024 a Monday of the next year's first.
    expect(isoWeekOf(new Date('2027-01-01T00:00:00Z'))).toBe('2026-W53');
    expect(isoWeekOf(new Date('2024-12-30T00:00:00Z'))).toBe('2025-W01');
  });

  it('begins on Monday and ends before the next', () => {
    const { from, to } = periodOfWeek('2026-W47');
    expect([from.toISOString(), to.toISOString()]).toEqual([
      '2026-11-16T00:00:00.000Z',
      '2026-11-23T00:00:00.000Z',
    ]);
    for (const day of ['2026-01-01', '2027-01-03', '2024-12-30', '2026-06-15']) {
      const moment = new Date(`${day}T12:00:00Z`);
      const period = periodOfWeek(isoWeekOf(moment));
      expect(period.from <= moment && moment < period.to).toBe(true);
    }
  });
});

it('counts a warning as followed within its steps, in its own attempt and run, and no later', () => {
  const warning = { runId: 'a', attempt: 1, kind: 'rms_spike', step: 100 };
  const followed = (onsetStep: number, over: object = {}) => {
    const spike = aSpike({ onsetStep, riseStep: onsetStep });
    return countFollowed([warning], [{ runId: 'a', spike: { ...spike, ...over } }])[0]!.followed;
  };
  expect([99, 100, 101, 108, 109].map((step) => followed(step))).toEqual([0, 0, 1, 1, 0]);
  expect(followed(104, { attempt: 2 })).toBe(0);
  expect(countFollowed([{ ...warning, kind: 'curvature_doubled' }], [])).toEqual([
    { kind: 'curvature_doubled', withinSteps: 200, warned: 1, followed: 0 },
  ]);
});
