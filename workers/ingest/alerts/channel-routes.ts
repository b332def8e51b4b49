/** Channels of a project, and messages that are sent again. */
import { randomBytes, randomUUID } from 'node:crypto';
import {
  type ChannelTarget,
  type PatchChannel,
  createChannelSchema,
  patchChannelSchema,
} from '../../../lib/contract/alert-channels';
import { AppError } from '../../../lib/contract/app-error';
import {
  changeChannel,
  findSendingChannel,
  removeChannel,
  requireChannel,
  saveChannel,
} from '../../../lib/store/alerts/alert-channels';
import { retryDelivery } from '../../../lib/store/alerts/alert-deliveries';
import { composeTest } from '../../alerts/deliver/compose-message';
import { NO_MAIL_SERVER } from '../../alerts/deliver/message-sender';
import { checkTarget } from '../../alerts/outgoing/check-target';
import { withBody } from '../../http/read-body';
import { type Reply, json, ok } from '../../http/reply';
import type { Route } from '../../http/router';
import { permittedProject } from '../projects/permitted-project';
import {
  type RouteDependencies,
  type WriteHandler,
  type WriteRequest,
  bodyOptions,
  parseBody,
} from '../write-request';

const CHANNELS = '/api/v1/projects/:name/alert-channels';

export const CHANNEL_ROUTES: readonly Route<WriteHandler>[] = [
  { method: 'POST', path: CHANNELS, handler: postChannel },
  { method: 'PATCH', path: `${CHANNELS}/:channelId`, handler: patchChannel },
  { method: 'DELETE', path: `${CHANNELS}/:channelId`, handler: deleteChannel },
  { method: 'POST', path: `${CHANNELS}/:channelId/test`, handler: postTest },
  {
    method: 'POST',
    path: '/api/v1/projects/:name/alert-deliveries/:deliveryId/retry',
    handler: postRetry,
  },
];

/** 256 bits, as a token's secret. */
const SECRET_BYTES = 32;

/** 201 with the channel and, this once, the secret that the server made; 404 project_not_found; 422. */
async function postChannel(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const project = await permittedProject(deps, write);
  return withBody(write.request, bodyOptions(deps), async (body) => {
    const { name, target, secret } = parseBody(createChannelSchema, body);
    checkSendable(deps, target);
    if (target.kind !== 'webhook') checkNoSecret(secret);
    const made =
      target.kind === 'webhook' && secret === undefined
        ? randomBytes(SECRET_BYTES).toString('base64url')
        : undefined;
    const draft = { name, target, secret: secret ?? made ?? null };
    const channel = await saveChannel(deps.access.db, project, draft, deps.now());
    return json(201, made === undefined ? channel : { ...channel, secret: made });
  });
}

/** 200 with the channel as it is now; 404 channel_not_found; 422. */
async function patchChannel(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const project = await permittedProject(deps, write);
  return withBody(write.request, bodyOptions(deps), async (body) => {
    const patch = parseBody(patchChannelSchema, body);
    const id = write.params['channelId'] ?? '';
    const { kind } = await requireChannel(deps.access.db, project, id);
    checkPatch(deps, kind, patch);
    const channel = await changeChannel(deps.access.db, project, id, patch, deps.now());
    deps.alerts.noteDeliveries();
    return ok(channel);
  });
}

/** 200; 404 channel_not_found. */
async function deleteChannel(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const project = await permittedProject(deps, write);
  const id = write.params['channelId'] ?? '';
  await removeChannel(deps.access.db, project, id);
  return ok({ id, deleted: true });
}

/** 200 with whether it arrived and what was answered; 404 channel_not_found. Off or on, it is tried. */
async function postTest(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const project = await permittedProject(deps, write);
  const id = write.params['channelId'] ?? '';
  const channel = await findSendingChannel(deps.access.db, project, id);
  if (channel === null) {
    throw new AppError('channel_not_found', `project ${project} has no channel ${id}`);
  }
  const { sender } = deps;
  const about = { id: randomUUID(), project, createdAt: deps.now(), channelName: channel.name };
  const { kind, message } = await sender.send(channel, composeTest(about, sender.publicUrl));
  return ok({ ok: kind === 'delivered', message });
}

/** 200 with the message, which waits now; 404 delivery_not_found, channel_not_found. */
async function postRetry(deps: RouteDependencies, write: WriteRequest): Promise<Reply> {
  const project = await permittedProject(deps, write);
  const id = write.params['deliveryId'] ?? '';
  const delivery = await retryDelivery(deps.access.db, project, id, deps.now());
  deps.alerts.noteDeliveries();
  return ok(delivery);
}

function checkPatch(
  deps: RouteDependencies,
  kind: ChannelTarget['kind'],
  { target, secret }: PatchChannel,
): void {
  if (kind !== 'webhook') checkNoSecret(secret);
  if (target === undefined) return;
  if (target.kind !== kind) {
    throw invalid('target.kind', `expected ${kind}, as the channel is; make another channel`);
  }
  checkSendable(deps, target);
}

/** Throws AppError `address_not_allowed`, `invalid_body`. */
function checkSendable({ sender }: RouteDependencies, target: ChannelTarget): void {
  if (target.kind === 'email' && !sender.canSendEmail) throw invalid('target.kind', NO_MAIL_SERVER);
  checkTarget(target, sender.allowedHosts);
}

function checkNoSecret(secret: string | undefined): void {
  if (secret !== undefined) throw invalid('secret', 'expected none: only a webhook is signed');
}

function invalid(path: string, message: string): AppError {
  return new AppError('invalid_body', `${path}: ${message}`, { details: [{ path, message }] });
}
