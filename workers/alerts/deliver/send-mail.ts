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

/**
 * Hands a mail to the operator's server and says what it answered. Addresses are passed as
 * addresses and never parsed again, and no field may name a file or an URL to attach.
 *
 * Throws  OutgoingError
 */
export async function sendMail(
  { smtpUrl, from }: MailSettings,
  { to, messageId, subject, text, html }: Mail,
  signal?: AbortSignal,
): Promise<{ readonly rejected: readonly string[] }> {
  const transport = createTransport({
    url: smtpUrl,
    connectionTimeout: TIMEOUT_MS / 2,
    greetingTimeout: TIMEOUT_MS / 2,
    socketTimeout: TIMEOUT_MS,
    dnsTimeout: TIMEOUT_MS / 2,
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
    const { rejected } = await withinTime(sending, signal);
    return { rejected: rejected.map(addressOf) };
  } catch (error) {
    throw toOutgoingError(error);
  } finally {
    transport.close();
  }
}

/** Each of its steps has a limit of its own; together they have one as well. */
function withinTime<T>(sending: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(new OutgoingError('this server is shutting down; the message is sent again'));
    };
    const timer = setTimeout(() => {
      reject(new OutgoingError(`the mail server was not through within ${TIMEOUT_MS / 1000} s`));
    }, TIMEOUT_MS);
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
  return new OutgoingError(`the mail server: ${message}`, { cause: error });
}
