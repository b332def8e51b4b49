import { z } from 'zod';
import { projectNameSchema } from './identifiers';
import { queryInteger } from './query-numbers';

/** Where messages of incidents go, and what became of each. */

const httpUrlSchema = z
  .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
  .max(2048);
const secretSchema = z.string().min(16).max(256);
const channelNameSchema = z.string().trim().min(1).max(128);

export const channelTargetSchema = z.discriminatedUnion('kind', [
  /** JSON by POST, signed where there is a secret. */
  z.strictObject({ kind: z.literal('webhook'), url: httpUrlSchema }),
  /** What Slack, Mattermost and Rocket.Chat take as an incoming webhook. The URL is the secret. */
  z.strictObject({ kind: z.literal('slack'), url: httpUrlSchema }),
  z.strictObject({
    kind: z.literal('email'),
    to: z.array(z.email().max(320)).min(1).max(32),
  }),
]);
export type ChannelTarget = z.infer<typeof channelTargetSchema>;

/** Body of `POST /api/v1/projects/{name}/alert-channels`. */
export const createChannelSchema = z.strictObject({
  name: channelNameSchema,
  target: channelTargetSchema,
  /** Of a webhook: the key of its HMAC-SHA256. Made by the server without one, and then shown once. */
  secret: secretSchema.optional(),
});
export type CreateChannel = z.infer<typeof createChannelSchema>;

export const patchChannelSchema = z.strictObject({
  name: channelNameSchema.optional(),
  target: channelTargetSchema.optional(),
  secret: secretSchema.optional(),
  isEnabled: z.boolean().optional(),
});
export type PatchChannel = z.infer<typeof patchChannelSchema>;

/** As it is shown: a secret never is, of a Slack URL the host alone. */
export const channelSchema = z.object({
  id: z.string(),
  project: z.string(),
  name: z.string(),
  kind: z.enum(['webhook', 'slack', 'email']),
  /** Host and path of a webhook, host of Slack, recipients. */
  target: z.string(),
  isEnabled: z.boolean(),
  createdAt: z.iso.datetime(),
  lastDeliveredAt: z.iso.datetime().nullable(),
  /** What the newest delivery failed with; null when it did not. */
  lastError: z.string().nullable(),
  deadCount: z.int(),
});
export type AlertChannel = z.infer<typeof channelSchema>;

export const createChannelReplySchema = channelSchema.extend({
  /** Once, where the server made it. */
  secret: z.string().optional(),
});
export const channelsReplySchema = z.object({
  items: z.array(channelSchema),
  /** Whether the operator has set up a mail server. */
  canSendEmail: z.boolean(),
});
export const channelParamsSchema = z.object({ name: projectNameSchema, channelId: z.string() });

/** `POST …/alert-channels/{channelId}/test` sends a message that says that it is a test. */
export const channelTestReplySchema = z.object({
  ok: z.boolean(),
  /** The receiver's status, or what went wrong, in words. */
  message: z.string(),
});

export const deliverySchema = z.object({
  id: z.string(),
  incidentId: z.string(),
  incidentTitle: z.string(),
  runId: z.string(),
  channelId: z.string(),
  channelName: z.string(),
  /** `dead`: given up after the last try, kept until someone sends it again. */
  status: z.enum(['pending', 'delivered', 'dead']),
  attempts: z.int(),
  nextAttemptAt: z.iso.datetime().nullable(),
  lastError: z.string().nullable(),
  createdAt: z.iso.datetime(),
  deliveredAt: z.iso.datetime().nullable(),
});
export type AlertDelivery = z.infer<typeof deliverySchema>;

export const deliveriesQuerySchema = z.object({
  status: z.enum(['pending', 'delivered', 'dead']).optional(),
  incidentId: z.string().max(64).optional(),
  limit: queryInteger.pipe(z.int().min(1).max(500)).default(100),
});
export const deliveriesReplySchema = z.object({ items: z.array(deliverySchema), total: z.int() });
export const deliveryParamsSchema = z.object({ name: projectNameSchema, deliveryId: z.string() });
