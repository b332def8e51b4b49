import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type DueQuery,
  claimDelivery,
  findDueDeliveries,
  findNextAttempt,
  settleDelivery,
} from '@/lib/store/alerts/alert-deliveries';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { DELETING } from '@/lib/store/runs/run-status';
import { useDatabase } from '@/tests/database';
import {
  OPENED_AT,
  findDelivery,
  makeChannel,
  makeDelivery,
  makeIncident,
  makeRun,
} from '@/tests/workers/alerts/message-rows';

const database = useDatabase();
const after = (ms: number) => new Date(OPENED_AT.getTime() + ms);
const LEASE = { leaseMs: 60_000 };
let incident = '';

beforeAll(async () => {
  await makeRun(database.db);
  incident = await makeIncident(database.db);
});
afterEach(() => database.db.prisma.alertDelivery.deleteMany());

const channel = () =>
  makeChannel(database.db, { kind: 'webhook', url: 'https://hooks.example.org/' });
async function aMessage(at = OPENED_AT, to?: string) {
  const key = await makeDelivery(database.db, { incident, channel: to ?? (await channel()), at });
  return { runKey: runKeyOf('run'), deliveryKey: key };
}
const due = async (now: Date, over: Partial<DueQuery> = {}) => {
  const query = { now, busyChannels: [], limit: 10, failingLimit: 10, ...over };
  return (await findDueDeliveries(database.db, query)).map(({ deliveryKey }) => deliveryKey);
};

describe('a claim', () => {
  it('is one process’s alone, of many that try at once', async () => {
    const row = await aMessage();
    const claims = await Promise.all(
      Array.from({ length: 8 }, () =>
        claimDelivery(database.db, row, { now: OPENED_AT, ...LEASE }),
      ),
    );
    expect(claims.filter((claim) => claim !== null)).toMatchObject([{ attempt: 1 }]);
    expect(await due(after(59_999))).toEqual([]);
    expect(await due(after(60_000))).toEqual([row.deliveryKey]);
  });

  it('that ran out settles nothing of the one after it', async () => {
    const row = await aMessage();
    const late = await claimDelivery(database.db, row, { now: OPENED_AT, ...LEASE });
    const next = await claimDelivery(database.db, row, { now: after(60_000), ...LEASE });
    expect([late?.attempt, next?.attempt]).toEqual([1, 2]);
    const dead = { kind: 'dead', error: 'too late' } as const;
    expect(await settleDelivery(database.db, late!, dead)).toBe(false);
    expect(await findDelivery(database.db, row.deliveryKey)).toMatchObject({
      ...{ status: 'pending', attempts: 2, lastError: null },
    });
    const sent = { kind: 'delivered', at: after(60_001), note: null } as const;
    expect(await settleDelivery(database.db, next!, sent)).toBe(true);
    expect(await settleDelivery(database.db, next!, dead)).toBe(false);
    expect(await findDelivery(database.db, row.deliveryKey)).toMatchObject({
      ...{ status: 'delivered', deliveredAt: after(60_001) },
    });
  });

  it('keeps of a receiver’s words what fits, and no zero bytes', async () => {
    const row = await aMessage();
    const claim = await claimDelivery(database.db, row, { now: OPENED_AT, ...LEASE });
    const error = `a\u0000b${'x'.repeat(1000)}`;
    await settleDelivery(database.db, claim!, {
      ...{ kind: 'failed', error, nextAttemptAt: after(5000) },
    });
    const { lastError } = await findDelivery(database.db, row.deliveryKey);
    expect(lastError).toBe(`ab${'x'.repeat(497)}…`);
  });
});

describe('what is due', () => {
  it('is the oldest of each channel, and channels that fail come last', async () => {
    const failing = await channel();
    const old = await aMessage(after(-1000), failing);
    const later = await aMessage(after(0), failing);
    const claim = await claimDelivery(database.db, old, { now: OPENED_AT, ...LEASE });
    await settleDelivery(database.db, claim!, {
      ...{ kind: 'failed', error: 'x', nextAttemptAt: after(1000) },
    });
    const fresh = await aMessage(after(2000));
    // The one that failed waits, and what comes after it to the same channel is known to fail too.
    expect(await due(after(999))).toEqual([later.deliveryKey]);
    expect(await due(after(999), { failingLimit: 0 })).toEqual([]);
    const now = after(3000);
    expect(await due(now)).toEqual([fresh.deliveryKey, old.deliveryKey]);
    expect(await due(now, { limit: 1 })).toEqual([fresh.deliveryKey]);
    expect(await due(now, { busyChannels: [failing] })).toEqual([fresh.deliveryKey]);
    expect(await due(now, { failingLimit: 0 })).toEqual([fresh.deliveryKey]);
  });

  it('leaves out what is not yet due, and says when it will be', async () => {
    await aMessage(after(5000));
    await aMessage(after(9000));
    expect(await due(OPENED_AT)).toEqual([]);
    expect(await findNextAttempt(database.db, OPENED_AT)).toEqual(after(5000));
    expect(await findNextAttempt(database.db, after(9000))).toBeNull();
  });

  it('leaves out a run that is being deleted', async () => {
    await aMessage();
    const setStatus = (status: string) =>
      database.db.prisma.run.updateMany({ where: { id: 'run' }, data: { status } });
    await setStatus(DELETING);
    expect(await due(OPENED_AT)).toEqual([]);
    await setStatus('running');
    expect(await due(OPENED_AT)).toHaveLength(1);
  });
});
