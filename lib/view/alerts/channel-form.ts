/** A channel as it is typed, and what is wrong with it. */
import {
  type AlertChannel,
  createChannelSchema,
  type CreateChannel,
  patchChannelSchema,
  type PatchChannel,
} from '../../contract/alert-channels';
import type { Faults, Parsed } from './alert-form';

export interface ChannelTexts {
  readonly name: string;
  readonly kind: AlertChannel['kind'];
  readonly url: string;
  readonly to: string;
  readonly secret: string;
}

export const EMPTY_CHANNEL: ChannelTexts = {
  name: '',
  kind: 'webhook',
  url: '',
  to: '',
  secret: '',
};

export const CHANNEL_KINDS: readonly {
  readonly value: AlertChannel['kind'];
  readonly label: string;
  readonly sentence: string;
}[] = [
  {
    value: 'webhook',
    label: 'Webhook',
    sentence: 'Posts JSON, signed with HMAC-SHA256, to an address of yours.',
  },
  {
    value: 'slack',
    label: 'Slack',
    sentence: 'An incoming webhook of Slack, Mattermost or Rocket.Chat. Its URL is the secret.',
  },
  { value: 'email', label: 'E-mail', sentence: 'Plain mail, through the operator’s mail server.' },
];

const FAULTS: readonly (readonly [path: RegExp, field: string, message: string])[] = [
  [/^name/, 'name', 'Name: expected 1 to 128 characters.'],
  [/^target\.url/, 'target.url', 'Address: expected an http or https URL.'],
  [/^target\.to/, 'target.to', 'Recipients: expected 1 to 32 mail addresses.'],
  [/^secret/, 'secret', 'Secret: expected 16 to 256 characters, or nothing.'],
];

/** Addresses by commas, semicolons, blanks or lines. */
export function splitAddresses(text: string): readonly string[] {
  return text.split(/[\s,;]+/).filter((part) => part !== '');
}

function targetOf({ kind, url, to }: ChannelTexts): unknown {
  return kind === 'email' ? { kind, to: splitAddresses(to) } : { kind, url: url.trim() };
}

const secretOf = ({ kind, secret }: ChannelTexts) =>
  kind === 'webhook' && secret !== '' ? { secret } : {};

function toFaults(issues: readonly { readonly path: readonly PropertyKey[] }[]): Faults {
  const faults = new Map<string, string>();
  for (const { path } of issues) {
    const known = FAULTS.find(([pattern]) => pattern.test(path.join('.')));
    if (known !== undefined) faults.set(known[1], known[2]);
  }
  return faults;
}

export function parseChannel(texts: ChannelTexts): Parsed<CreateChannel> {
  const parsed = createChannelSchema.safeParse({
    name: texts.name,
    target: targetOf(texts),
    ...secretOf(texts),
  });
  return parsed.success
    ? { kind: 'value', value: parsed.data }
    : { kind: 'faults', faults: toFaults(parsed.error.issues) };
}

/** What a change says: a target that is left empty stays, since it is not shown whole. */
export function parseChannelPatch(texts: ChannelTexts): Parsed<PatchChannel> {
  const hasTarget = (texts.kind === 'email' ? texts.to : texts.url).trim() !== '';
  const parsed = patchChannelSchema.safeParse({
    name: texts.name,
    ...(hasTarget ? { target: targetOf(texts) } : {}),
    ...secretOf(texts),
  });
  return parsed.success
    ? { kind: 'value', value: parsed.data }
    : { kind: 'faults', faults: toFaults(parsed.error.issues) };
}

/** The server's faults under the fields that they are about; the rest under "". */
export function placeFaults(
  details: readonly { readonly path: string; readonly message: string }[],
  fields: readonly string[],
  message: string,
): Faults {
  const faults = new Map<string, string>();
  for (const { path, message: text } of details) {
    const field = fields.find((name) => path === name || path.startsWith(`${name}.`)) ?? '';
    if (!faults.has(field)) faults.set(field, text);
  }
  if (faults.size === 0) faults.set('', message);
  return faults;
}
