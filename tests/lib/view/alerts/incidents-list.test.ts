import { describe, expect, it } from 'vitest';
import type { Incident } from '@/lib/contract/incidents';
import { writeCsv } from '@/lib/view/text/chart-table';
import {
  describeIncident,
  incidentHref,
  incidentMark,
  incidentsTable,
  orderIncidents,
  postmortemHref,
  prepareIncidentsVerdict,
  prepareNotice,
  prepareOverNotice,
  standingOf,
  titleOfIncident,
} from '@/lib/view/alerts/incidents-list';

const NOW = Date.parse('2026-01-12T04:00:00.000Z');
const ago = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString();

function anIncident(patch: Partial<Incident> = {}): Incident {
  return {
    id: 'i',
    project: 'p',
    ruleId: 'r',
    ruleName: 'Loss too high',
    severity: 'warn',
    condition: { kind: 'divergence' },
    runId: 'run.1',
    runName: 'gpt-7b',
    attempt: 1,
    openedStep: 552,
    closedStep: null,
    openedAt: ago(14),
    closedAt: null,
    closedBy: null,
    title: 'loss 7.31 above 6 at step 552',
    peakValue: 7.31,
    peakStep: 553,
    layers: [],
    layerCount: 0,
    spikeId: null,
    acknowledgedAt: null,
    acknowledgedBy: null,
    wasMuted: false,
    ...patch,
  };
}
const closed = { closedAt: ago(5), closedBy: 'recovered' } as const;
const acknowledged = { acknowledgedAt: ago(3), acknowledgedBy: 'Ada' };

describe('orderIncidents', () => {
  it('puts first what nobody has, the loudest of it, the newest of those', () => {
    const incidents = [
      anIncident({ id: 'over', severity: 'page', ...closed }),
      anIncident({ id: 'note', severity: 'note', openedAt: ago(1) }),
      anIncident({ id: 'taken', severity: 'page', ...acknowledged }),
      anIncident({ id: 'older page', severity: 'page', openedAt: ago(50) }),
      anIncident({ id: 'page', severity: 'page', openedAt: ago(9) }),
      anIncident({ id: 'newer note over', severity: 'note', openedAt: ago(10), ...closed }),
    ];
    expect(orderIncidents(incidents).map(({ id }) => id)).toEqual([
      'page',
      'older page',
      'note',
      'taken',
      'newer note over',
      'over',
    ]);
    expect(incidents.map(standingOf)).toContain('acknowledged');
  });
});

describe('describeIncident', () => {
  it('says how long it is open, its peak and who has it', () => {
    expect(describeIncident(anIncident(), NOW)).toEqual({
      age: '14 min',
      state: 'open',
      peak: '7.31 at 553',
      layers: null,
    });
    expect(describeIncident(anIncident(acknowledged), NOW).state).toBe('acknowledged by Ada');
  });

  it('says what ended it and after how long, and how long ago', () => {
    const words = describeIncident(
      anIncident({ ...closed, closedBy: 'new_attempt', wasMuted: true, peakValue: null }),
      NOW,
    );
    expect(words).toMatchObject({
      age: '5 min',
      state: 'a new attempt began after 9 min, was muted',
      peak: null,
    });
  });

  it('counts layers, and a stage by how many stand in it', () => {
    const words = describeIncident(
      anIncident({
        condition: { kind: 'stage', stage: 'armed', minimumLayers: 1, closeAfter: 20 },
        peakValue: 5,
        layers: [3, 4],
        layerCount: 1200,
      }),
      NOW,
    );
    expect(words.peak).toBe('5 at 553');
    expect(words.layers).toBe('1\u202f200 layers');
  });
});

it('begins a line with a capital, but leaves the name of a metric as it is', () => {
  const titleOf = (title: string) => titleOfIncident({ title });
  expect(titleOf('loss spike at step 305: loss 4.10 from 2.01')).toMatch(/^Loss spike/);
  expect(titleOf('RMS 4.10 in wte at step 3')).toMatch(/^RMS/);
  expect(titleOf('eval_loss 4.10 above 3.00 at step 3')).toMatch(/^eval_loss/);
  expect(titleOf('train/loss 4.10 above 3.00 at step 3')).toMatch(/^train\/loss/);
});

describe('links', () => {
  it('go to the run at the step, at the layer where there is one', () => {
    expect(incidentHref(anIncident())).toBe('/runs/run.1?step=552');
    expect(incidentHref(anIncident({ layers: [7, 9] }))).toBe('/runs/run.1?step=552&layer=7');
    expect(incidentHref(anIncident({ openedStep: null }))).toBe('/runs/run.1');
  });

  it('go to the postmortem of a spike alone', () => {
    expect(postmortemHref(anIncident())).toBeNull();
    expect(postmortemHref(anIncident({ spikeId: 'a/b' }))).toBe('/runs/run.1/spikes/a%2Fb');
  });

  it('marks tell conditions apart by shape', () => {
    expect(incidentMark({ kind: 'no_data', minutes: 3 })).toBe('silence');
    expect(incidentMark({ kind: 'non_finite', closeAfter: 1 })).toBe('divergence');
    expect(incidentMark({ kind: 'curvature' })).toBe('warning');
  });
});

describe('prepareIncidentsVerdict', () => {
  it('names how many need somebody and the first of them', () => {
    const verdict = prepareIncidentsVerdict(
      [
        anIncident({ id: 'a' }),
        anIncident({ id: 'b', severity: 'page', title: 'loss is NaN at step 9' }),
        anIncident({ id: 'c', ...acknowledged }),
      ],
      null,
      NOW,
    );
    expect(verdict).toMatchObject({
      alarm: { words: 'Two incidents need somebody.', incident: { id: 'b' } },
      sentence: 'gpt-7b: loss is NaN at step 9',
      detail: 'The first: Page, open for 14 minutes. One is open and acknowledged.',
    });
  });

  it('is quiet where all are acknowledged or over', () => {
    const held = prepareIncidentsVerdict([anIncident(acknowledged)], null, NOW);
    expect(held).toEqual({
      alarm: null,
      sentence: 'Nothing waits for anybody.',
      detail: 'One is open and acknowledged.',
    });
    const over = prepareIncidentsVerdict([], anIncident(closed), NOW);
    expect(over.sentence).toBe('Nothing is open.');
    expect(over.detail).toBe('The newest was on gpt-7b and has been over for 5 minutes.');
    expect(prepareIncidentsVerdict([], null, NOW, 'in char-lm')).toEqual({
      alarm: null,
      sentence: 'Nothing is open in char-lm.',
      detail: null,
    });
  });
});

describe('incidentsTable', () => {
  it('is a file with a row an incident, numbers whole', () => {
    const incidents = [anIncident({ title: 'a, "b"', peakValue: 0.30000001 }), anIncident()];
    const [head, first, second] = writeCsv(incidentsTable(incidents));
    expect(head).toMatch(/^incident,project,run,attempt,rule,severity,title,opened_step,/);
    expect(first).toContain('"a, ""b"""');
    expect(first).toContain('0.30000001');
    expect(second).toContain(',552,,');
  });
});

describe('prepareNotice', () => {
  it('says how loud, where and what, and is one an incident', () => {
    const notice = prepareNotice(anIncident({ severity: 'page' }));
    expect(notice).toEqual({
      title: 'Page: gpt-7b',
      body: 'loss 7.31 above 6 at step 552\nLoss too high · p',
      tag: 'spikescope-incident-i',
      href: '/runs/run.1?step=552',
      isSticky: true,
      isOver: false,
    });
    expect(prepareNotice(anIncident()).isSticky).toBe(false);
  });

  it('says that it is over, and how, in the place of what it opened with', () => {
    const over = prepareOverNotice(
      anIncident({ severity: 'page', closedBy: 'recovered', closedStep: 580 }),
    );
    expect(over).toMatchObject({
      title: 'Over: gpt-7b',
      body: 'loss 7.31 above 6 at step 552\nrecovered at step 580 · p',
      tag: 'spikescope-incident-i',
      isSticky: false,
      isOver: true,
    });
  });
});
