import { describe, expect, it } from 'vitest';
import type { AlertChannel } from '@/lib/contract/alert-channels';
import type { AlertRule } from '@/lib/contract/alert-rules';
import {
  describeChannel,
  describeRule,
  muteEndMs,
  toLocalInput,
} from '@/lib/view/alerts/alert-words';
import { utcZone } from '@/lib/view/text/wall-time';

const NOW = Date.parse('2026-01-12T04:00:00.000Z');
const RULE: AlertRule = {
  id: 'r',
  project: 'p',
  name: 'Norms',
  runId: null,
  condition: { kind: 'divergence' },
  severity: 'page',
  channelIds: [],
  notifyBrowsers: true,
  isEnabled: true,
  mutedUntil: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  openCount: 0,
  lastOpenedAt: null,
};
const CHANNEL: AlertChannel = {
  id: 'c',
  project: 'p',
  name: 'on call',
  kind: 'webhook',
  target: 'https://example.org/hook',
  isEnabled: true,
  createdAt: '2026-01-01T00:00:00.000Z',
  lastDeliveredAt: null,
  lastError: null,
  deadCount: 0,
};

describe('describeRule', () => {
  it('says that it is muted only while it is', () => {
    const muted = { ...RULE, mutedUntil: '2026-01-12T05:00:00.000Z' };
    expect(describeRule(muted, NOW, utcZone).state).toBe('muted until 12 Jan 05:00:00 UTC');
    expect(muteEndMs(muted, NOW + 3_600_000)).toBeNull();
    expect(describeRule(RULE, NOW).state).toBeNull();
    expect(describeRule({ ...muted, isEnabled: false }, NOW).state).toBe('off');
  });

  it('counts what is open, else says when it was last', () => {
    expect(describeRule(RULE, NOW).history).toBe('never yet');
    const lastOpenedAt = '2026-01-12T01:00:00.000Z';
    expect(describeRule({ ...RULE, lastOpenedAt }, NOW).history).toBe('last 3 h ago');
    expect(describeRule({ ...RULE, lastOpenedAt, openCount: 2 }, NOW).history).toBe('2 open');
  });
});

describe('describeChannel', () => {
  it('says what was delivered last and what went wrong', () => {
    expect(describeChannel(CHANNEL, NOW)).toEqual({
      kind: 'Webhook',
      state: 'nothing delivered yet',
      fault: null,
    });
    const failing = {
      ...CHANNEL,
      lastDeliveredAt: '2026-01-12T03:57:00.000Z',
      lastError: 'it answered 503',
      deadCount: 2,
    };
    expect(describeChannel(failing, NOW)).toMatchObject({
      state: 'delivered 3 min ago',
      fault: '2 messages given up: it answered 503',
    });
    expect(describeChannel({ ...CHANNEL, isEnabled: false }, NOW).state).toBe('off');
  });
});

describe('toLocalInput', () => {
  it('is what a field for a moment takes, in the reader’s zone', () => {
    expect(toLocalInput(NOW, utcZone)).toBe('2026-01-12T04:00');
    expect(toLocalInput(NOW, () => 3600)).toBe('2026-01-12T05:00');
  });
});
