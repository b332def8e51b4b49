import { z } from 'zod';
import {
  type AlertChannel,
  type AlertDelivery,
  channelParamsSchema,
  channelSchema,
  channelTestReplySchema,
  channelsReplySchema,
  createChannelReplySchema,
  createChannelSchema,
  deliveriesQuerySchema,
  deliveriesReplySchema,
  deliveryParamsSchema,
  deliverySchema,
  patchChannelSchema,
} from './alert-channels';
import { JSON_TYPE, json, ok, type RouteDescription } from './openapi-route';
import { projectParamsSchema } from './projects';

const PROJECT = '/api/v1/projects/{name}';

const CHANNEL: AlertChannel = {
  id: '5d1c1f0e-6a0b-4a55-9a3c-2f1f5f0f7a10',
  project: 'pretrain-7b',
  name: 'on call',
  kind: 'webhook',
  target: 'https://hooks.example.org/spikes',
  isEnabled: true,
  createdAt: '2026-01-04T03:12:00.000Z',
  lastDeliveredAt: null,
  lastError: null,
  deadCount: 0,
};
const DELIVERY: AlertDelivery = {
  id: 'a4f0a1c2-7d0e-4c77-8a54-0a6f6d1b2c3d',
  incidentId: '0f4e8d2a-1111-4222-8333-444455556666',
  incidentTitle: 'Loss rose to 4.1 at step 120,012, from 2.31',
  runId: 'char-lm-1',
  channelId: CHANNEL.id,
  channelName: CHANNEL.name,
  status: 'dead',
  attempts: 12,
  nextAttemptAt: null,
  lastError: 'it answered 503',
  createdAt: '2026-01-04T03:12:00.000Z',
  deliveredAt: null,
};

/** Where messages of incidents go, and what became of each. */
export const CHANNEL_ROUTES: readonly RouteDescription[] = [
  {
    operationId: 'listAlertChannels',
    method: 'get',
    path: `${PROJECT}/alert-channels`,
    tag: 'Read',
    scope: 'read',
    summary: 'Where messages of a project go',
    description:
      'By name, with what became of the newest message of each and how many were given up. Secrets are not ' +
      'shown, and of what may hold one, a Slack URL or the path of a webhook, only as much as tells them apart.',
    params: projectParamsSchema,
    replies: [
      ok(channelsReplySchema, 'The channels.', { items: [{ ...CHANNEL }], canSendEmail: true }),
    ],
    errors: ['project_not_found'],
  },
  {
    operationId: 'createAlertChannel',
    method: 'post',
    path: `${PROJECT}/alert-channels`,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Name a place where messages go',
    description:
      'A webhook (JSON by POST, signed with its secret), what takes the messages of Slack, or e-mail, where a ' +
      'mail server is set up. Without a secret a webhook gets one, which this reply shows and no other. ' +
      'Requests go to public addresses alone unless the operator allows the host.',
    params: projectParamsSchema,
    body: json(createChannelSchema, {
      name: 'on call',
      target: { kind: 'webhook', url: 'https://hooks.example.org/spikes' },
    }),
    replies: [
      {
        status: 201,
        description: 'The channel.',
        bodies: [
          {
            mediaType: JSON_TYPE,
            schema: createChannelReplySchema,
            example: { ...CHANNEL, secret: 'nqk2…' },
          },
        ],
      },
    ],
    errors: ['project_not_found', 'invalid_body', 'address_not_allowed'],
  },
  {
    operationId: 'changeAlertChannel',
    method: 'patch',
    path: `${PROJECT}/alert-channels/{channelId}`,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Change a channel',
    description:
      'What is not named stays. A channel that is switched off gets no messages; those that waited are given up.',
    params: channelParamsSchema,
    body: json(patchChannelSchema, { isEnabled: false }),
    replies: [ok(channelSchema, 'The channel as it is now.', { ...CHANNEL, isEnabled: false })],
    errors: ['channel_not_found', 'invalid_body', 'address_not_allowed'],
  },
  {
    operationId: 'deleteAlertChannel',
    method: 'delete',
    path: `${PROJECT}/alert-channels/{channelId}`,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Remove a channel',
    description: 'Rules that name it do so no more. What was sent stays in the list of messages.',
    params: channelParamsSchema,
    replies: [ok(z.object({ id: z.string(), deleted: z.literal(true) }), 'The channel is gone.')],
    errors: ['channel_not_found'],
  },
  {
    operationId: 'testAlertChannel',
    method: 'post',
    path: `${PROJECT}/alert-channels/{channelId}/test`,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Send a message that says that it is a test',
    description: 'Once, now, and waits for the answer, at most 20 seconds.',
    params: channelParamsSchema,
    replies: [
      ok(channelTestReplySchema, 'Whether it arrived, and what was answered.', {
        ok: false,
        message: 'it answered 404: no such hook',
      }),
    ],
    errors: ['channel_not_found'],
  },
  {
    operationId: 'listAlertDeliveries',
    method: 'get',
    path: `${PROJECT}/alert-deliveries`,
    tag: 'Read',
    scope: 'read',
    summary: 'Messages and what became of them',
    description:
      'The newest first. A message that fails is tried twelve times within about a day, then it is dead: kept, ' +
      'and sent again when somebody asks for it.',
    params: projectParamsSchema,
    query: deliveriesQuerySchema,
    replies: [ok(deliveriesReplySchema, 'The messages.', { items: [{ ...DELIVERY }], total: 1 })],
    errors: ['project_not_found', 'invalid_query'],
  },
  {
    operationId: 'retryAlertDelivery',
    method: 'post',
    path: `${PROJECT}/alert-deliveries/{deliveryId}/retry`,
    tag: 'Manage',
    scope: 'admin',
    summary: 'Send a message again',
    description:
      'Now, under the same id; one that was given up gets all its tries anew, one that waits is not waited for.',
    params: deliveryParamsSchema,
    replies: [ok(deliverySchema, 'The message, which is due.', { ...DELIVERY, status: 'pending' })],
    errors: ['delivery_not_found', 'channel_not_found'],
  },
];
