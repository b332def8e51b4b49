import { randomUUID } from 'node:crypto';
import type { ChannelTarget } from '@/lib/contract/alert-channels';
import type { AlertCondition } from '@/lib/contract/alert-rules';
import { createRunSchema } from '@/lib/contract/runs';
import { createRun } from '@/lib/store/runs/create-run';
import type { Database } from '@/lib/store/database';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { aRun } from '@/tests/servers';

const PROJECT = 'tests';
export const OPENED_AT = new Date('2026-11-22T10:00:00.000Z');

/** A run that incidents are about. */
export async function makeRun(db: Database, id = 'run', layers = 12): Promise<void> {
  await createRun(db, createRunSchema.parse(aRun(id, layers, { project: PROJECT, name: 'A run' })));
}

export async function makeChannel(
  db: Database,
  target: ChannelTarget,
  over: { name?: string; secret?: string | null; isEnabled?: boolean } = {},
): Promise<string> {
  const channelKey = randomUUID();
  const { name = 'a channel', secret = null, isEnabled = true } = over;
  await db.prisma.alertChannel.create({
    data: {
      ...{ project: PROJECT, channelKey, name, kind: target.kind, target, secret, isEnabled },
    },
  });
  return channelKey;
}

/** An incident of `run`, as a rule that found it writes it. */
export async function makeIncident(
  db: Database,
  over: Partial<{
    condition: AlertCondition;
    title: string;
    spikeId: string | null;
    openedStep: bigint | null;
    layers: number[];
    layerCount: number;
  }> = {},
): Promise<string> {
  const incidentKey = randomUUID();
  await db.prisma.incident.create({
    data: {
      ...{ runKey: runKeyOf('run'), incidentKey, project: PROJECT, ruleKey: randomUUID() },
      ...{ ruleName: 'Loss spikes', severity: 'page', attempt: 2, notifyBrowsers: false },
      ...{ openedStep: 120_012n, openedAt: OPENED_AT, peakValue: 4.25, peakStep: 120_014n },
      ...{ layers: [0, 3], layerCount: 2, spikeId: '2-loss_spike-120012' },
      ...{ title: 'The loss rose from 2.31 to 4.25', condition: { kind: 'loss_spike' } },
      ...over,
    },
  });
  return incidentKey;
}

/** A message that waits. */
export async function makeDelivery(
  db: Database,
  { incident, channel, at = OPENED_AT }: { incident: string; channel: string; at?: Date },
): Promise<string> {
  const deliveryKey = randomUUID();
  await db.prisma.alertDelivery.create({
    data: {
      ...{ runKey: runKeyOf('run'), deliveryKey, incidentKey: incident, project: PROJECT },
      ...{ channelKey: channel, nextAttemptAt: at, createdAt: at },
    },
  });
  return deliveryKey;
}

export function findDelivery(db: Database, deliveryKey: string) {
  return db.prisma.alertDelivery.findFirstOrThrow({ where: { deliveryKey } });
}
