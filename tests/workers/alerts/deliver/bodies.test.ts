import { describe, expect, it } from 'vitest';
import { alertConditionSchema } from '@/lib/contract/alert-rules';
import type { MessageSource } from '@/lib/store/alerts/alert-messages';
import { formatPeakValue } from '@/lib/view/alerts/peak-value';
import { composeIncident, composeTest } from '@/workers/alerts/deliver/compose-message';
import { toMailBody } from '@/workers/alerts/deliver/mail-body';
import { toSlackBody } from '@/workers/alerts/deliver/slack-body';
import { toWebhookBody, webhookBodySchema } from '@/workers/alerts/deliver/webhook-body';
import { whatToDoFirst } from '@/workers/alerts/deliver/what-to-do';

const at = new Date('2026-11-22T10:00:00.000Z');
const URL_BASE = 'https://spikes.example.org';

function source(over: Partial<MessageSource> = {}): MessageSource {
  return {
    ...{ id: 'delivery', project: 'p', createdAt: at, incidentId: 'incident', severity: 'page' },
    ...{ title: 'The loss rose from 2.31 to 4.25', ruleName: 'Loss spikes' },
    condition: { kind: 'loss_spike', outlierBatches: false },
    ...{ run: { id: 'run.1', name: 'first run' }, attempt: 2, openedStep: 120_012, openedAt: at },
    ...{ closedAt: null, peakValue: 4.25, peakStep: 120_014, spikeId: '2-loss_spike-120012' },
    layers: [
      { index: 0, name: 'embed' },
      { index: 3, name: 'blocks.1.attn' },
    ],
    layerCount: 2,
    ...over,
  };
}
const compose = (over: Partial<MessageSource> = {}) => composeIncident(source(over), URL_BASE);
const tested = composeTest(
  { id: 'x', project: 'p', createdAt: at, channelName: 'on call' },
  URL_BASE,
);

describe('a message', () => {
  it('leads to the run at its step and to the postmortem of its spike', () => {
    const { runUrl, postmortemUrl } = compose();
    expect(runUrl).toBe('https://spikes.example.org/runs/run.1?step=120012&layer=0');
    expect(postmortemUrl).toBe('https://spikes.example.org/runs/run.1/spikes/2-loss_spike-120012');
    const silent = compose({ openedStep: null, spikeId: null });
    expect([silent.runUrl, silent.postmortemUrl]).toEqual([`${URL_BASE}/runs/run.1`, null]);
  });

  it('says for every condition what to do first', () => {
    for (const { shape } of alertConditionSchema.options) {
      expect(whatToDoFirst(shape.kind.value).length, shape.kind.value).toBeGreaterThan(0);
    }
  });
});

describe('a webhook’s body', () => {
  it('has the shape that is published, and nothing else', () => {
    for (const message of [compose(), compose({ openedStep: null, peakValue: null }), tested]) {
      const body = toWebhookBody(message);
      expect(webhookBodySchema.parse(JSON.parse(JSON.stringify(body)))).toEqual(body);
    }
  });

  it('holds what is known of the incident', () => {
    expect(toWebhookBody(compose())).toMatchObject({
      ...{ kind: 'incident', version: 1, id: 'delivery', project: 'p' },
      run: { id: 'run.1', name: 'first run', attempt: 2 },
      incident: {
        ...{ id: 'incident', severity: 'page', rule: 'Loss spikes', openedStep: 120_012 },
        ...{ peakValue: 4.25, peakStep: 120_014, layerCount: 2 },
        layers: [
          { index: 0, name: 'embed' },
          { index: 3, name: 'blocks.1.attn' },
        ],
      },
    });
  });
});

describe('a Slack message', () => {
  it('has title, facts, steps and links, in blocks and as text', () => {
    const { text, blocks } = toSlackBody(compose());
    expect(blocks.map(({ type }) => type)).toEqual(['header', 'section', 'section', 'section']);
    expect(blocks[0]!.text).toEqual({
      type: 'plain_text',
      text: 'Act now: The loss rose from 2.31 to 4.25',
    });
    for (const part of [
      '*Run* first run (run.1)',
      '*Step* 120\u202f012 of attempt 2',
      '*Peak* 4.25 at step 120\u202f014',
      '*Layers* embed (0), blocks.1.attn (3)',
      '1. See whether the loss comes back',
      '<https://spikes.example.org/runs/run.1?step=120012&layer=0|Open the run>',
      '|Open the postmortem>',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('rounds the peak as the list of incidents does', () => {
    const peakOf = (over: Partial<MessageSource>) =>
      /\*Peak\* (.*)/.exec(toSlackBody(compose(over)).text)?.[1];
    const listed = (kind: 'loss_spike' | 'stage', peakValue: number) =>
      formatPeakValue(kind, peakValue);
    expect(peakOf({ peakValue: 1.763_541, peakStep: null })).toBe('1.76');
    expect(peakOf({ peakValue: 1.763_541, peakStep: null })).toBe(listed('loss_spike', 1.763_541));
    expect(peakOf({ peakValue: 0.000_012, peakStep: null })).toBe(listed('loss_spike', 0.000_012));
    const stage = alertConditionSchema.parse({ kind: 'stage', stage: 'armed' });
    expect(peakOf({ condition: stage, peakValue: 34, peakStep: null })).toBe(listed('stage', 34));
  });

  it('lets no name make a link, call anybody or break a line', () => {
    const evil = '<!channel> <http://evil|click> @all &lt;\n*x*';
    const { text, blocks } = toSlackBody(
      compose({
        ...{ title: evil, ruleName: evil, run: { id: 'r', name: evil } },
        layers: [{ index: 0, name: evil }],
      }),
    );
    const sent = [text, ...blocks.slice(1).map((block) => block.text.text)].join('\n');
    expect(sent).not.toContain('<!');
    expect(sent).not.toContain('<http://evil');
    expect(sent).not.toContain('@all');
    expect(sent).toContain('&lt;!channel&gt;');
    expect(sent).toContain('&amp;lt;');
  });

  it('stays within what Slack takes, however long the names are', () => {
    const long = 'n'.repeat(5000);
    const { blocks } = toSlackBody(
      compose({
        ...{ title: long, ruleName: long },
        layers: Array.from({ length: 64 }, (_, index) => ({ index, name: long })),
        layerCount: 900,
      }),
    );
    for (const { type, text } of blocks) {
      expect(text.text.length).toBeLessThanOrEqual(type === 'header' ? 150 : 3000);
      expect(text.text.length).toBeGreaterThan(0);
    }
  });
});

describe('a mail', () => {
  it('says the same in text and in HTML', () => {
    const { subject, text, html } = toMailBody(compose());
    expect(subject).toBe('[Spikescope] Act now: The loss rose from 2.31 to 4.25 (first run)');
    for (const part of [
      'first run (run.1)',
      '120\u202f012 of attempt 2',
      'embed (0), blocks.1.attn (3)',
      'See whether the loss comes back',
      'https://spikes.example.org/runs/run.1?step=120012',
      '/runs/run.1/spikes/2-loss_spike-120012',
    ]) {
      expect(text).toContain(part);
      expect(html).toContain(part);
    }
  });

  it('lets no name become a header or a tag', () => {
    const evil = 'x\r\nBcc: victim@example.org\u2028<img src=x onerror=alert(1)> "\'';
    const { subject, text, html } = toMailBody(
      compose({ title: evil, ruleName: evil, run: { id: 'r', name: evil } }),
    );
    expect(subject).not.toMatch(/[\r\n\u2028]/);
    expect(text).not.toMatch(/^Bcc:/m);
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it('names few layers and counts the rest', () => {
    const layers = Array.from({ length: 64 }, (_, index) => ({ index, name: `l${index}` }));
    expect(toMailBody(compose({ layers, layerCount: 900 })).text).toContain(
      'Layers: l0 (0), l1 (1), l2 (2), l3 (3), l4 (4), l5 (5), l6 (6), l7 (7), and 892 more',
    );
    const { text } = toMailBody(compose({ layers: [], layerCount: 0, openedStep: null }));
    expect(text).not.toMatch(/Layers|Step/);
  });

  it('says of a test that nothing happened', () => {
    const { subject, text } = toMailBody(tested);
    expect(subject).toBe('[Spikescope] Test: Spikescope can send to this channel');
    expect(text).toContain('Nothing happened.');
    expect(text).toContain('on call');
  });
});
