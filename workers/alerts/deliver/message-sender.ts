/** Sends one message to one channel, in the channel's words, and says what came of it. */
import { assertNever } from '../../../lib/contract/app-error';
import type { SendingChannel } from '../../../lib/store/alerts/alert-channels';
import { type Resolve, resolveName } from '../outgoing/find-addresses';
import { OutgoingError } from '../outgoing/outgoing-error';
import { type OutgoingReply, type OutgoingRules, postSafely } from '../outgoing/post-safely';
import type { AlertMessage } from './alert-message';
import type { AlertSettings } from '../alert-settings';
import { oneLine } from './incident-lines';
import { toMailBody } from './mail-body';
import { MailRefused, sendMail } from './send-mail';
import { ID_HEADER, SIGNATURE_HEADER, sign } from './sign';
import { toSlackBody } from './slack-body';
import { toWebhookBody } from './webhook-body';

export type SendResult =
  /** `message` is what the receiver answered; `note` what is worth keeping of it. */
  | { readonly kind: 'delivered'; readonly message: string; readonly note: string | null }
  | {
      readonly kind: 'failed';
      readonly message: string;
      /** The receiver said that it will never take it. */
      readonly isFinal: boolean;
      /** The receiver asked to be left alone for so long. */
      readonly retryAfterSeconds: number | null;
    };

export interface MessageSender {
  readonly canSendEmail: boolean;
  readonly allowedHosts: readonly string[];
  readonly publicUrl: string;
  send(channel: SendingChannel, message: AlertMessage, signal?: AbortSignal): Promise<SendResult>;
}

export interface MessageSenderOptions {
  readonly settings: AlertSettings;
  readonly now: () => Date;
  readonly resolve?: Resolve;
  /** For tests of what takes long. */
  readonly outgoing?: Pick<OutgoingRules, 'connectTimeoutMs' | 'timeoutMs' | 'ca'>;
}

export function createMessageSender(options: MessageSenderOptions): MessageSender {
  const { settings, now, resolve = resolveName, outgoing = {} } = options;
  const { mail, allowedHosts, publicUrl } = settings;
  const rules: OutgoingRules = { allowedHosts, resolve, ...outgoing };

  async function post(
    url: string,
    body: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<SendResult> {
    const reply = await postSafely(
      {
        url,
        body,
        headers: {
          'Content-Type': 'application/json; charset=utf-8',
          'User-Agent': 'Spikescope',
          ...headers,
        },
        ...(signal === undefined ? {} : { signal }),
      },
      rules,
    );
    return toResult(reply);
  }

  async function sendTo(
    { target, secret }: SendingChannel,
    message: AlertMessage,
    signal: AbortSignal | undefined,
  ): Promise<SendResult> {
    switch (target.kind) {
      case 'webhook': {
        const body = JSON.stringify(toWebhookBody(message));
        const headers = {
          [ID_HEADER]: message.id,
          ...(secret === null ? {} : { [SIGNATURE_HEADER]: sign(secret, body, now()) }),
        };
        return post(target.url, body, headers, signal);
      }
      case 'slack':
        return post(target.url, JSON.stringify(toSlackBody(message)), {}, signal);
      case 'email': {
        if (mail === null) throw new OutgoingError(NO_MAIL_SERVER);
        const messageId = `${message.id}@${new URL(publicUrl).hostname.replaceAll(/[[\]]/g, '')}`;
        const letter = { ...toMailBody(message), to: target.to, messageId };
        const { rejected } = await sendMail(mail, letter, {
          signal,
          timeoutMs: outgoing.timeoutMs,
        });
        const note =
          rejected.length === 0 ? null : `the mail server did not take ${rejected.join(', ')}`;
        return { kind: 'delivered', message: note ?? 'the mail server took it', note };
      }
      default:
        return assertNever(target);
    }
  }

  return {
    canSendEmail: mail !== null,
    allowedHosts,
    publicUrl,
    async send(channel, message, signal) {
      try {
        return await sendTo(channel, message, signal);
      } catch (error) {
        if (!(error instanceof OutgoingError)) throw error;
        const { message: text } = error;
        const isFinal = error instanceof MailRefused;
        return { kind: 'failed', message: text, isFinal, retryAfterSeconds: null };
      }
    },
  };
}

export const NO_MAIL_SERVER =
  'no mail server is set up; whoever runs this server names one in SPIKESCOPE_SMTP_URL';

/** How much of a receiver's own words is kept. */
const MAX_QUOTED = 200;

/**
 * A 2xx is an arrival. A 410 says that nobody will ever take anything here again. All else is
 * tried again, a 404 as well: a receiver that is being set up anew answers so for a while, and
 * a dozen requests in a day cost it nothing.
 */
function toResult({ status, body, retryAfterSeconds }: OutgoingReply): SendResult {
  if (status >= 200 && status < 300) {
    return { kind: 'delivered', message: `it answered ${status}`, note: null };
  }
  const isRedirect = status >= 300 && status < 400;
  const words = oneLine(body).slice(0, MAX_QUOTED);
  const reason = isRedirect
    ? 'which leads to another address; redirects are not followed, so name the address that it leads to'
    : words;
  return {
    kind: 'failed',
    message: `it answered ${status}${reason === '' ? '' : `${isRedirect ? ',' : ':'} ${reason}`}`,
    isFinal: status === 410,
    retryAfterSeconds,
  };
}
