/** Rules and channels in words: what is muted until when, what a channel last did. */
import type { AlertChannel } from '../../contract/alert-channels';
import type { AlertRule } from '../../contract/alert-rules';
import { formatAge, formatCount } from '../text/format-number';
import { formatWallTime, readersZone, type ZoneOffset } from '../text/wall-time';

/** null once it is over. */
export function muteEndMs({ mutedUntil }: AlertRule, nowMs: number): number | null {
  const endMs = mutedUntil === null ? 0 : Date.parse(mutedUntil);
  return endMs > nowMs ? endMs : null;
}

export interface RuleWords {
  /** "off", "muted until 22 Nov 14:05:32"; null where it watches and tells. */
  readonly state: string | null;
  /** "2 open", "last 3 h ago", "never yet". */
  readonly history: string;
}

export function describeRule(
  rule: AlertRule,
  nowMs: number,
  zone: ZoneOffset = readersZone,
): RuleWords {
  const endMs = muteEndMs(rule, nowMs);
  const { openCount, lastOpenedAt, isEnabled } = rule;
  return {
    state: !isEnabled
      ? 'off'
      : endMs === null
        ? null
        : `muted until ${formatWallTime(endMs / 1000, zone)}`,
    history:
      openCount > 0
        ? `${formatCount(openCount)} open`
        : lastOpenedAt === null
          ? 'never yet'
          : `last ${formatAge(nowMs - Date.parse(lastOpenedAt))} ago`,
  };
}

export interface ChannelWords {
  readonly kind: string;
  readonly state: string;
  /** null where nothing is wrong. */
  readonly fault: string | null;
}

const CHANNEL_KINDS: Readonly<Record<AlertChannel['kind'], string>> = {
  webhook: 'Webhook',
  slack: 'Slack-compatible',
  email: 'E-mail',
};

export function describeChannel(channel: AlertChannel, nowMs: number): ChannelWords {
  const { kind, isEnabled, lastDeliveredAt, lastError, deadCount } = channel;
  const dead =
    deadCount === 0
      ? null
      : `${formatCount(deadCount)} ${deadCount === 1 ? 'message' : 'messages'} given up`;
  return {
    kind: CHANNEL_KINDS[kind],
    state: !isEnabled
      ? 'off'
      : lastDeliveredAt === null
        ? 'nothing delivered yet'
        : `delivered ${formatAge(nowMs - Date.parse(lastDeliveredAt))} ago`,
    fault: lastError === null ? dead : dead === null ? lastError : `${dead}: ${lastError}`,
  };
}

/** A moment as `datetime-local` takes it, in the reader's zone. */
export function toLocalInput(ms: number, zone: ZoneOffset = readersZone): string {
  return new Date(ms + zone(ms / 1000) * 1000).toISOString().slice(0, 16);
}
