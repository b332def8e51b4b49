import { describe, expect, it } from 'vitest';
import type { Incident, LiveIncident } from '@/lib/contract/incidents';
import { prepareNotice } from '@/lib/view/alerts/incidents-list';
import { ShownNotices } from '@/app/_components/alerts/shown-notices';

const incident: Incident = {
  ...{ id: 'i', project: 'p', ruleId: 'r', ruleName: 'Loss too high', severity: 'page' },
  ...{ condition: { kind: 'divergence' }, runId: 'run.1', runName: 'gpt-7b', attempt: 1 },
  ...{ openedStep: 552, closedStep: null, openedAt: '2026-01-12T04:00:00.000Z', closedAt: null },
  ...{ closedBy: null, title: 'loss 7.31 above 6 at step 552', peakValue: 7.31, peakStep: 553 },
  ...{ layers: [], layerCount: 0, spikeId: null, acknowledgedAt: null, acknowledgedBy: null },
  wasMuted: false,
};
const told = (change: LiveIncident['change'], over: Partial<Incident> = {}): LiveIncident => ({
  ...{ change, notify: true, incident: { ...incident, ...over } },
});

function aScreen() {
  const shown: { title: string; silent: boolean; sticky: boolean; click: () => void }[] = [];
  const log: string[] = [];
  const notices = new ShownNotices(
    (title, { silent, requireInteraction }, click) => {
      shown.push({ title, silent, sticky: requireInteraction, click });
      return { close: () => log.push(`closed ${title}`) };
    },
    (href) => log.push(`went to ${href}`),
  );
  return { notices, shown, log };
}

describe('a notification that was shown', () => {
  it('is loud and stays, and a click leads to the step and takes it away', () => {
    const { notices, shown, log } = aScreen();
    notices.show(prepareNotice(incident));
    expect(shown).toMatchObject([{ title: 'Page: gpt-7b', silent: false, sticky: true }]);
    shown[0]!.click();
    expect(log).toEqual(['closed Page: gpt-7b', 'went to /runs/run.1?step=552']);
    notices.follow(told('closed', { closedBy: 'recovered', closedStep: 580 }));
    expect(shown).toHaveLength(1);
  });

  it('gives way to a silent one once its incident is over', () => {
    const { notices, shown, log } = aScreen();
    notices.show(prepareNotice(incident));
    notices.follow(told('closed', { closedBy: 'recovered', closedStep: 580 }));
    expect(log).toEqual(['closed Page: gpt-7b']);
    expect(shown[1]).toMatchObject({ title: 'Over: gpt-7b', silent: true, sticky: false });
    notices.follow(told('closed', { closedBy: 'recovered', closedStep: 580 }));
    expect(shown).toHaveLength(2);
  });

  it('is taken away once somebody has acknowledged it', () => {
    const { notices, shown, log } = aScreen();
    notices.show(prepareNotice(incident));
    notices.follow(told('acknowledged'));
    expect([shown.length, log]).toEqual([1, ['closed Page: gpt-7b']]);
  });

  it('is not followed by a tab that has not shown it', () => {
    const { notices, shown, log } = aScreen();
    notices.follow(told('closed', { closedBy: 'recovered', closedStep: 580 }));
    expect([shown, log]).toEqual([[], []]);
  });
});
