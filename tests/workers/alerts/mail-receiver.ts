import { EventEmitter } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { CERTIFICATE, CERTIFICATE_KEY } from './receiver';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Whether it came over TLS. */
  readonly isSecure: boolean;
  readonly user: string | null;
  /** Headers and body, as they came. */
  readonly raw: string;
}

export interface MailReceiver {
  readonly port: number;
  readonly received: readonly ReceivedMail[];
  /** Resolves with the next mail that comes. */
  readonly next: () => Promise<ReceivedMail>;
  readonly close: () => Promise<void>;
}

interface Refusal {
  readonly code: number;
  readonly text: string;
}

const toError = ({ code, text }: Refusal): Error =>
  Object.assign(new Error(text), { responseCode: code });

/** A real mail server on this machine. */
export async function startMailReceiver({
  tls = 'none',
  login,
  refuses = () => null,
  refusesMail = () => null,
  breaksOff = 'never',
}: {
  readonly tls?: 'none' | 'starttls' | 'implicit';
  readonly login?: { readonly user: string; readonly pass: string };
  /** What is answered to a recipient, with its code; null takes it. */
  readonly refuses?: (address: string) => Refusal | null;
  /** What is answered to a mail that has come whole. */
  readonly refusesMail?: () => Refusal | null;
  /** Where it leaves the client alone: without a greeting, or with the mail but without an answer. */
  readonly breaksOff?: 'never' | 'silent' | 'closes-after-mail';
} = {}): Promise<MailReceiver> {
  const received: ReceivedMail[] = [];
  const arrivals = new EventEmitter<{ mail: [ReceivedMail] }>();
  const server = new SMTPServer({
    logger: false,
    secure: tls === 'implicit',
    ...(tls === 'none' ? {} : { cert: CERTIFICATE, key: CERTIFICATE_KEY }),
    disabledCommands: [
      ...(tls === 'none' ? ['STARTTLS'] : []),
      ...(login === undefined ? ['AUTH'] : []),
    ],
    authOptional: login === undefined,
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, callback) {
      const isRight = username === login?.user && password === login?.pass;
      callback(isRight ? null : new Error('535 no'), isRight ? { user: username } : undefined);
    },
    onConnect(_session, callback) {
      if (breaksOff !== 'silent') callback();
    },
    onRcptTo({ address }, _session, callback) {
      const refusal = refuses(address);
      if (refusal === null) callback();
      else callback(toError(refusal));
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const mail = {
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          isSecure: session.secure,
          user: session.user ?? null,
          raw: Buffer.concat(chunks).toString('utf8'),
        };
        received.push(mail);
        arrivals.emit('mail', mail);
        if (breaksOff === 'closes-after-mail') {
          for (const connection of connections) connection.destroy();
          return;
        }
        const refusal = refusesMail();
        callback(refusal === null ? null : toError(refusal));
      });
    },
  });
  // What a client breaks off is no fault of the test.
  server.on('error', () => undefined);
  const listening = server.listen(0, '127.0.0.1');
  const connections = new Set<Socket>();
  listening.on('connection', (connection: Socket) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
  });
  await new Promise<void>((resolve) => listening.once('listening', resolve));
  return {
    port: (listening.address() as AddressInfo).port,
    received,
    next: () => new Promise((resolve) => arrivals.once('mail', resolve)),
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(resolve));
      for (const connection of connections) connection.destroy();
      return closed;
    },
  };
}
