'use client';

import type { z } from 'zod';
import {
  type AlertBacktest,
  alertBacktestReplySchema,
  type AlertBacktestReply,
  type AlertRuleDraft,
  type PatchAlertRule,
} from '@/lib/contract/alert-rules';
import {
  channelTestReplySchema,
  type CreateChannel,
  createChannelReplySchema,
  type PatchChannel,
} from '@/lib/contract/alert-channels';
import type { Incident } from '@/lib/contract/incidents';
import { ApiFailure, apiPath, sendJson } from '@/app/_hooks/api-client';

/** `/projects/{name}/…`, each part as it may stand in a path. */
function projectPath(project: string, ...parts: readonly string[]): string {
  return ['/projects', project, ...parts]
    .map((part, index) => (index === 0 ? part : encodeURIComponent(part)))
    .join('/');
}

export const rulesPath = (project: string): string => apiPath(projectPath(project, 'alert-rules'));
export const channelsPath = (project: string): string =>
  apiPath(projectPath(project, 'alert-channels'));
export const deliveriesPath = (
  project: string,
  query: Readonly<Record<string, string | number | null>>,
): string => apiPath(projectPath(project, 'alert-deliveries'), query);

export function createRule(project: string, draft: AlertRuleDraft): Promise<unknown> {
  return sendJson('POST', rulesPath(project), draft);
}

export function changeRule(
  project: string,
  ruleId: string,
  patch: PatchAlertRule,
): Promise<unknown> {
  return sendJson('PATCH', apiPath(projectPath(project, 'alert-rules', ruleId)), patch);
}

export function deleteRule(project: string, ruleId: string): Promise<unknown> {
  return sendJson('DELETE', apiPath(projectPath(project, 'alert-rules', ruleId)));
}

/** The rule on what is stored of one run. */
export async function tryRule(
  project: string,
  question: Pick<AlertBacktest, 'condition' | 'runIds'>,
  signal: AbortSignal,
): Promise<AlertBacktestReply> {
  const path = apiPath(projectPath(project, 'alert-backtest'));
  return alertBacktestReplySchema.parse(await sendJson('POST', path, question, signal));
}

export function acknowledge({ project, id }: Incident, by: string): Promise<unknown> {
  return sendJson('POST', apiPath(projectPath(project, 'incidents', id, 'acknowledge')), { by });
}

export type MadeChannel = z.infer<typeof createChannelReplySchema>;

/** With its secret, where the server made one: it is shown once. */
export async function createChannel(project: string, channel: CreateChannel): Promise<MadeChannel> {
  return createChannelReplySchema.parse(await sendJson('POST', channelsPath(project), channel));
}

export function changeChannel(
  project: string,
  channelId: string,
  patch: PatchChannel,
): Promise<unknown> {
  return sendJson('PATCH', apiPath(projectPath(project, 'alert-channels', channelId)), patch);
}

export function deleteChannel(project: string, channelId: string): Promise<unknown> {
  return sendJson('DELETE', apiPath(projectPath(project, 'alert-channels', channelId)));
}

export async function testChannel(project: string, channelId: string) {
  const path = apiPath(projectPath(project, 'alert-channels', channelId, 'test'));
  return channelTestReplySchema.parse(await sendJson('POST', path));
}

export function retryDelivery(project: string, deliveryId: string): Promise<unknown> {
  return sendJson('POST', apiPath(projectPath(project, 'alert-deliveries', deliveryId, 'retry')));
}

export const toFault = (cause: unknown): string =>
  cause instanceof ApiFailure ? cause.message : 'It did not work. Reload the page and try again.';
