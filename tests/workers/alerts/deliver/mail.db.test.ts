import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { silentLogger, useDatabase } from '@/tests/database';
import { type Delivery, createDelivery } from '@/workers/alerts/deliver/delivery';
import { createMessageSender } from '@/workers/alerts/deliver/message-sender';
import { type MailReceiver, startMailReceiver } from '../mail-receiver';
import {
  OPENED_AT,
  findDelivery,
  makeChannel,
  makeDelivery,
  makeIncident,
  makeRun,
} from '../message-rows';

const database = useDatabase();
const running: Delivery[] = [];
const servers: MailReceiver[] = [];

beforeAll(() => makeRun(database.db));
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(running.splice(0).map((delivery) => delivery.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await database.db.prisma.alertDelivery.deleteMany();
});

async function mailServer(
  options: Parameters<typeof startMailReceiver>[0] = {},
): Promise<MailReceiver> {
  const server = await startMailReceiver(options);
  servers.push(server);
  return server;
}

/** Sends one message to these and says what became of it. */
async function send(smtpUrl: string | null, to: string[], over: object = {}) {
  const channel = await makeChannel(database.db, { kind: 'email', to });
  const incident = await makeIncident(database.db, over);
  const id = await makeDelivery(database.db, { incident, channel });
  const delivery = createDelivery({
    db: database.db,
    logger: silentLogger,
    now: () => OPENED_AT,
    random: () => 0.5,
    sender: createMessageSender({
      settings: {
        publicUrl: 'https://spikes.example.org',
        allowedHosts: [],
        mail: smtpUrl === null ? null : { smtpUrl, from: 'spikes@example.org' },
      },
      now: () => OPENED_AT,
    }),
  });
  running.push(delivery);
  await delivery.settled();
  return findDelivery(database.db, id);
}

const ADA = 'ada@example.org';
const BOB = 'bob@example.org';

describe('a mail', () => {
  it('arrives at everybody, in text and HTML, under an id of its own', async () => {
    const server = await mailServer();
    const sent = await send(`smtp://127.0.0.1:${server.port}`, [ADA, BOB]);
    expect(sent).toMatchObject({ status: 'delivered', attempts: 1, lastError: null });
    expect(server.received).toMatchObject([
      { from: 'spikes@example.org', to: [ADA, BOB], isSecure: false },
    ]);
    const { raw } = server.received[0]!;
    expect(raw).toMatch(/^From: Spikescope <spikes@example\.org>\r$/m);
    expect(raw).toContain(`Message-ID: <${sent.deliveryKey}@spikes.example.org>`);
    expect(raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(raw).toContain('Content-Type: text/plain; charset=utf-8');
    expect(raw).toContain('Content-Type: text/html; charset=utf-8');
    expect(raw).toMatch(/^Subject: \[Spikescope\] Act now: The loss rose from 2\.31 to 4\.25/m);
  });

  it('gets no header from a name with line breaks', async () => {
    const server = await mailServer();
    const title = 'x\r\nBcc: victim@example.org\r\n\r\nbody';
    const sent = await send(`smtp://127.0.0.1:${server.port}`, [ADA], { title });
    expect(sent.status).toBe('delivered');
    const [head = ''] = server.received[0]!.raw.split('\r\n\r\n', 1);
    expect(head).not.toMatch(/^Bcc:/im);
    expect(head.replaceAll(/\r\n\s+/g, ' ')).toContain('Act now: x Bcc: victim@example.org body');
    expect(server.received[0]!.to).toEqual([ADA]);
  });

  it('goes by TLS where the server offers it, and only if its certificate holds', async () => {
    const server = await mailServer({ tls: 'starttls' });
    const refused = await send(`smtp://localhost:${server.port}`, [ADA]);
    expect([refused.status, refused.lastError]).toEqual([
      'pending',
      expect.stringMatching(/^the mail server: .*certificate/i),
    ]);
    expect(server.received).toHaveLength(0);
    // What an operator may say of a server of their own.
    const trusting = `smtp://localhost:${server.port}?tls.rejectUnauthorized=false`;
    expect((await send(trusting, [ADA])).status).toBe('delivered');
    expect(server.received).toMatchObject([{ isSecure: true }]);
  });

  it('goes by TLS from the start with smtps', async () => {
    const server = await mailServer({ tls: 'implicit' });
    const url = `smtps://localhost:${server.port}?tls.rejectUnauthorized=false`;
    expect((await send(url, [ADA])).status).toBe('delivered');
    expect(server.received).toMatchObject([{ isSecure: true }]);
  });

  it('signs in with the name and password of the URL, and shows neither when they are wrong', async () => {
    const server = await mailServer({ login: { user: 'me@example.org', pass: 'p@ss/word' } });
    const at = `127.0.0.1:${server.port}`;
    expect((await send(`smtp://me%40example.org:p%40ss%2Fword@${at}`, [ADA])).status).toBe(
      'delivered',
    );
    expect(server.received).toMatchObject([{ user: 'me@example.org' }]);
    const wrong = await send(`smtp://me%40example.org:secret-word@${at}`, [ADA]);
    expect(wrong).toMatchObject({ status: 'pending', attempts: 1 });
    expect(wrong.lastError).toMatch(/^the mail server: /);
    expect(wrong.lastError).not.toMatch(/secret-word|me@example/);
  });

  it('has arrived when the server took it for somebody, and says for whom it did not', async () => {
    const server = await mailServer({
      refuses: (address) => (address === BOB ? { code: 550, text: 'no such user' } : null),
    });
    const sent = await send(`smtp://127.0.0.1:${server.port}`, [ADA, BOB]);
    expect(sent).toMatchObject({
      ...{ status: 'delivered', lastError: `the mail server did not take ${BOB}` },
    });
    expect(server.received).toMatchObject([{ to: [ADA] }]);
  });

  it('that nobody takes is tried again', async () => {
    const server = await mailServer({ refuses: () => ({ code: 451, text: 'come back later' }) });
    const sent = await send(`smtp://127.0.0.1:${server.port}`, [ADA]);
    expect([sent.status, sent.lastError]).toEqual([
      'pending',
      expect.stringContaining('come back later'),
    ]);
  });

  it('says that no server is there, or none is set up', async () => {
    const server = await startMailReceiver();
    await server.close();
    const gone = await send(`smtp://127.0.0.1:${server.port}`, [ADA]);
    expect([gone.status, gone.lastError]).toEqual([
      'pending',
      expect.stringMatching(/^the mail server: .*ECONNREFUSED/),
    ]);
    const none = await send(null, [ADA]);
    expect([none.status, none.lastError]).toEqual([
      'pending',
      expect.stringContaining('SPIKESCOPE_SMTP_URL'),
    ]);
  });
});
