import { createTransport } from 'nodemailer';
import { OutgoingError } from '../outgoing/outgoing-error';
import type { MailBody } from './mail-body';

export interface MailSettings {
  /** `smtp://user:password@host:port` or `smtps://…`: the operator's own server. */
  readonly smtpUrl: string;
  readonly from: string;
}

export interface Mail extends MailBody {
  /** Without angle brackets; a mailbox drops a second one of the same id. */
  readonly messageId: string;
  readonly to: readonly string[];
}

/** A mail server that greylists or looks a sender up takes its time; twice what a webhook has. */
const TIMEOUT_MS = 20_000;

export interface MailTries {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** The server said that it will never take this mail for anybody, as RFC 5321 means a 5xx. */
export class MailRefused extends OutgoingError {}

/**
 * Hands a mail to the operator's server and says what it answered. Addresses are passed as
 * addresses and never parsed again, and no field may name a file or an URL to attach.
 *
 * Throws  MailRefused, or another OutgoingError where a later try may go through
 */
export async function sendMail(
  { smtpUrl, from }: MailSettings,
  { to, messageId, subject, text, html }: Mail,
  { signal, timeoutMs = TIMEOUT_MS }: MailTries = {},
): Promise<{ readonly rejected: readonly string[] }> {
  const transport = createTransport({
    url: smtpUrl,
    connectionTimeout: timeoutMs / 2,
    greetingTimeout: timeoutMs / 2,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs / 2,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const sending = transport.sendMail({
    from: { name: 'Spikescope', address: from },
    to: to.map((address) => ({ name: '', address })),
    messageId: `<${messageId}>`,
    subject,
    text,
    html,
    // Answers of machines to machines help nobody.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  });
  try {
    const { rejected } = await withinTime(sending, timeoutMs, signal);
    return { rejected: rejected.map(addressOf) };
  } catch (error) {
    throw toOutgoingError(error);
  } finally {
    transport.close();
  }
}

/** Each of its steps has a limit of its own; together they have one as well. */
function withinTime<T>(
  sending: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(new OutgoingError('this server is shutting down; the message is sent again'));
    };
    const timer = setTimeout(() => {
      reject(new OutgoingError(`the mail server was not through within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    sending.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    });
  });
}

function addressOf(recipient: string | { readonly address: string }): string {
  return typeof recipient === 'string' ? recipient : recipient.address;
}

/** The server's name and password stay out of what is shown. */
function toOutgoingError(error: unknown): OutgoingError {
  if (error instanceof OutgoingError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const Kind = isFinal(error) ? MailRefused : OutgoingError;
  return new Kind(`the mail server: ${message}`, { cause: error });
}

/**
 * No recipient and no later try: 5xx to all of them or to the mail itself. Refusals of a sign-in
 * or a sender, and those of policy (5.7.x), are about how the server is used here, which its
 * operator mends without knowing of the message that waits.
 */
function isFinal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const isOfMail = 'command' in error && (error.command === 'RCPT TO' || error.command === 'DATA');
  const answer = 'response' in error && typeof error.response === 'string' ? error.response : '';
  return isOfMail && /^5/.test(answer) && !/^5\d\d[ -]5\.7\./.test(answer);
}
