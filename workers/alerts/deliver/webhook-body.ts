import { z } from 'zod';
import { alertConditionSchema, alertSeveritySchema } from '../../../lib/contract/alert-rules';
import type { AlertMessage } from './alert-message';

/** Goes up when a field changes its meaning or leaves; fields are added without. */
const VERSION = 1 as const;

const common = {
  version: z.literal(VERSION),
  /** The same whenever the same message is sent again: a receiver drops what it has. */
  id: z.string(),
  project: z.string(),
  createdAt: z.iso.datetime(),
};

/** What a webhook is sent; docs/alerts.md says it to those who receive it. */
export const webhookBodySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('test'), ...common, channel: z.string(), url: z.string() }),
  z.strictObject({
    kind: z.literal('incident'),
    ...common,
    run: z.strictObject({ id: z.string(), name: z.string(), attempt: z.int(), url: z.string() }),
    incident: z.strictObject({
      id: z.string(),
      title: z.string(),
      severity: alertSeveritySchema,
      rule: z.string(),
      condition: alertConditionSchema,
      openedStep: z.int().nullable(),
      openedAt: z.iso.datetime(),
      closedAt: z.iso.datetime().nullable(),
      peakValue: z.number().nullable(),
      peakStep: z.int().nullable(),
      layers: z.array(z.strictObject({ index: z.int(), name: z.string() })),
      layerCount: z.int(),
      postmortemUrl: z.string().nullable(),
    }),
    whatToDo: z.array(z.string()),
  }),
]);
export type WebhookBody = z.infer<typeof webhookBodySchema>;

export function toWebhookBody(message: AlertMessage): WebhookBody {
  const { id, project } = message;
  const shared = { version: VERSION, id, project, createdAt: message.createdAt.toISOString() };
  if (message.kind === 'test') {
    return { kind: 'test', ...shared, channel: message.channelName, url: message.url };
  }
  return {
    kind: 'incident',
    ...shared,
    run: { ...message.run, attempt: message.attempt, url: message.runUrl },
    incident: {
      id: message.incidentId,
      title: message.title,
      severity: message.severity,
      rule: message.ruleName,
      condition: message.condition,
      openedStep: message.openedStep,
      openedAt: message.openedAt.toISOString(),
      closedAt: message.closedAt?.toISOString() ?? null,
      peakValue: message.peak?.value ?? null,
      peakStep: message.peak?.step ?? null,
      layers: message.layers.map(({ index, name }) => ({ index, name })),
      layerCount: message.layerCount,
      postmortemUrl: message.postmortemUrl,
    },
    whatToDo: [...message.whatToDo],
  };
}
