import { describe, expect, it } from 'vitest';
import type { Incident, LiveIncident } from '@/lib/contract/incidents';
import { prepareNotice } from '@/lib/view/alerts/incidents-list';
import type { NoticeBoard, NoticeOptions } from '@/app/_components/alerts/notice-board';
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
const over = told('closed', { closedBy: 'recovered', closedStep: 580 });
const notice = prepareNotice(incident);

/** One screen with what stands on it by tag, and the tabs of one browser before it. */
function aScreen() {
  const standing = new Map<string, NoticeOptions & { readonly title: string }>();
  const log: string[] = [];
  const board: NoticeBoard = {
    show: (title, options) => {
      log.push(title);
      standing.set(options.tag, { title, ...options });
      return Promise.resolve();
    },
    take: (tag) => {
      standing.delete(tag);
      return Promise.resolve();
    },
    openTags: () =>
      Promise.resolve([...standing].filter(([, { isOver }]) => !isOver).map(([tag]) => tag)),
  };
  const claimed = new Set<string>();
  const claim = (what: string) => {
    const isMine = !claimed.has(what);
    claimed.add(what);
    return Promise.resolve(isMine);
  };
  return { aTab: () => new ShownNotices(board, claim), standing, log };
}

describe('a notification', () => {
  it('is shown by one tab, loud and until somebody sees to it', async () => {
    const { aTab, standing, log } = aScreen();
    await Promise.all([aTab(), aTab()].map((tab) => tab.open(notice)));
    expect(log).toEqual(['Page: gpt-7b']);
    expect([...standing.values()]).toMatchObject([
      { href: '/runs/run.1?step=552', silent: false, requireInteraction: true, isOver: false },
    ]);
  });

  it('gives way to a silent one once its incident is over, whichever tab showed it', async () => {
    const { aTab, standing, log } = aScreen();
    await aTab().open(notice);
    // The tab was reloaded, and another is there as well.
    const tabs = [aTab(), aTab()];
    await Promise.all(tabs.map((tab) => tab.follow(over)));
    expect(log).toEqual(['Page: gpt-7b', 'Over: gpt-7b']);
    expect([...standing.values()]).toMatchObject([
      { title: 'Over: gpt-7b', silent: true, requireInteraction: false },
    ]);
    await Promise.all(tabs.map((tab) => tab.follow(over)));
    expect(log).toHaveLength(2);
  });

  it('is taken away once somebody has acknowledged it', async () => {
    const { aTab, standing, log } = aScreen();
    await aTab().open(notice);
    await aTab().follow(told('acknowledged'));
    expect([standing.size, log]).toEqual([0, ['Page: gpt-7b']]);
    await aTab().follow(over);
    expect(log).toHaveLength(1);
  });

  it('is not followed by another where there was none', async () => {
    const { aTab, log } = aScreen();
    await aTab().follow(over);
    expect(log).toEqual([]);
  });

  it('goes after a gap in which its incident ended, and stays where that is not known', async () => {
    const { aTab, standing } = aScreen();
    await aTab().open(notice);
    await aTab().open(prepareNotice({ ...incident, id: 'j' }));
    await aTab().catchUp(() => Promise.resolve(null));
    expect(standing.size).toBe(2);
    await aTab().catchUp(() => Promise.resolve(new Set(['j'])));
    expect([...standing.keys()]).toEqual(['spikescope-incident-j']);
  });

  it('that tells of an end stays after a gap', async () => {
    const { aTab, standing } = aScreen();
    await aTab().open(notice);
    await aTab().follow(over);
    await aTab().catchUp(() => Promise.resolve(new Set()));
    expect([...standing.values()]).toMatchObject([{ title: 'Over: gpt-7b' }]);
  });
});
