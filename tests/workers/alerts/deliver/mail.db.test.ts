import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { silentLogger, useDatabase } from '@/tests/database';
import { type Delivery, createDelivery } from '@/workers/alerts/deliver/delivery';
import { createMessageSender } from '@/workers/alerts/deliver/message-sender';
import { type MailReceiver, startMailReceiver } from '../mail-receiver';
import { parseMail } from '../parse-mail';
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
async function send(
  smtpUrl: string | null,
  to: string[],
  over: object = {},
  outgoing: { timeoutMs?: number } = {},
) {
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
      outgoing,
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

  it('comes out as it was written: dots, UTF-8, long lines and links', async () => {
    const server = await mailServer();
    // Folded anywhere, a line of it begins with a dot, which SMTP takes for the end of a mail.
    const title = `Der Verlust stieg über 4,25 — 損失 🌋 ${'.'.repeat(1200)}`;
    const sent = await send(`smtp://127.0.0.1:${server.port}`, [ADA], { title });
    expect([sent.status, sent.lastError]).toEqual(['delivered', null]);
    const { headers, parts, longestLine } = parseMail(server.received[0]!.raw);
    expect(longestLine).toBeLessThanOrEqual(998);
    expect(headers.get('subject')).toMatch(
      /^\[Spikescope\] Act now: Der Verlust stieg über 4,25 — 損失 🌋 \.+…$/,
    );
    const text = (parts.get('text/plain') ?? '').replaceAll('\r\n', '\n');
    const [headline, , ...lines] = text.split('\n');
    expect(headline).toBe(`Act now: ${title}`);
    expect(lines).toContain('Layers: layer.0 (0), layer.3 (3)');
    const links = new Map(
      lines.flatMap((line) => {
        const [, label, url] = /^(Open the \w+): (.*)$/.exec(line) ?? [];
        return label === undefined || url === undefined ? [] : [[label, url] as const];
      }),
    );
    expect([...links]).toEqual([
      ['Open the run', 'https://spikes.example.org/runs/run?step=120012&layer=0'],
      ['Open the postmortem', 'https://spikes.example.org/runs/run/spikes/2-loss_spike-120012'],
    ]);
    const html = parts.get('text/html') ?? '';
    expect(html).toContain(`<h1 style="font-size:18px">Act now: ${title}</h1>`);
    for (const [label, url] of links) {
      expect(html).toContain(`<a href="${url.replace('&', '&amp;')}">${label}</a>`);
    }
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

  it.each([
    ['nobody for now', { refuses: () => ({ code: 451, text: 'come back later' }) }, 'come back'],
    ['it not for now', { refusesMail: () => ({ code: 452, text: 'no room' }) }, 'no room'],
    [
      'nobody from here',
      { refuses: () => ({ code: 550, text: '5.7.1 relaying denied' }) },
      'relaying denied',
    ],
  ])('that a server takes for %s is tried again', async (_, options, words) => {
    const server = await mailServer(options);
    const sent = await send(`smtp://127.0.0.1:${server.port}`, [ADA]);
    expect(sent).toMatchObject({ status: 'pending', attempts: 1 });
    expect(sent.lastError).toMatch(/^the mail server: /);
    expect(sent.lastError).toContain(words);
    expect(sent.nextAttemptAt > OPENED_AT).toBe(true);
  });

  it.each([
    ['nobody', { refuses: () => ({ code: 550, text: '5.1.1 no such user' }) }, 'no such user'],
    ['nothing', { refusesMail: () => ({ code: 554, text: 'this is spam' }) }, 'this is spam'],
  ])('that a server takes for %s, ever, is given up with its words', async (_, options, words) => {
    const server = await mailServer(options);
    const sent = await send(`smtp://127.0.0.1:${server.port}`, [ADA]);
    expect(sent).toMatchObject({ status: 'dead', attempts: 1 });
    expect(sent.lastError).toContain(words);
  });

  it('waits for one of two that may take it later', async () => {
    const server = await mailServer({
      refuses: (address) =>
        address === BOB ? { code: 550, text: 'no such user' } : { code: 450, text: 'greylisted' },
    });
    const sent = await send(`smtp://127.0.0.1:${server.port}`, [ADA, BOB]);
    expect([sent.status, sent.lastError]).toEqual([
      'pending',
      expect.stringContaining('greylisted'),
    ]);
  });

  it('is tried again where the server says nothing', async () => {
    const server = await mailServer({ breaksOff: 'silent' });
    const at = `smtp://127.0.0.1:${server.port}`;
    const sent = await send(at, [ADA], {}, { timeoutMs: 200 });
    expect(sent).toMatchObject({ status: 'pending', attempts: 1 });
    expect(sent.lastError).toMatch(/^the mail server: .*greeting/i);
  });

  it('is sent again under its id where the server left without an answer', async () => {
    const leaving = await mailServer({ breaksOff: 'closes-after-mail' });
    const sent = await send(`smtp://127.0.0.1:${leaving.port}`, [ADA]);
    expect(sent).toMatchObject({ status: 'pending', attempts: 1 });
    expect(sent.lastError).toMatch(/^the mail server: /);
    const { headers } = parseMail(leaving.received[0]!.raw);
    expect(headers.get('message-id')).toBe(`<${sent.deliveryKey}@spikes.example.org>`);
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
