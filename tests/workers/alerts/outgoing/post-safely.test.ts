import { createServer, Socket, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { resolveName, type Resolve } from '@/workers/alerts/outgoing/find-addresses';
import { OutgoingError } from '@/workers/alerts/outgoing/outgoing-error';
import { postSafely, type OutgoingRules } from '@/workers/alerts/outgoing/post-safely';
import { type Answer, CERTIFICATE, type Receiver, startReceiver } from '../receiver';

const open: Receiver[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map((receiver) => receiver.close()));
});

async function receive(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const receiver = await startReceiver(...args);
  open.push(receiver);
  return receiver;
}

/** Gives each list of addresses in its turn, the last one ever after. */
function resolveTo(...answers: string[][]): { resolve: Resolve; calls: () => number } {
  let calls = 0;
  return {
    calls: () => calls,
    resolve: (hostname) => {
      const addresses = answers[Math.min(calls++, answers.length - 1)]!;
      if (hostname.length === 0) throw new Error('no name');
      return Promise.resolve(
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    },
  };
}

const nowhere: Resolve = () => Promise.reject(new Error('no name is asked for'));

function post(url: string, rules: Partial<OutgoingRules> = {}, body = '{"a":1}') {
  return postSafely(
    { url, body, headers: { 'Content-Type': 'application/json' } },
    { allowedHosts: [], resolve: nowhere, ...rules },
  );
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OutgoingError);
  return (error as OutgoingError).message;
}

/** Every connection fails at once; returns where they were to go. */
function refuseConnections(): string[] {
  const targets: string[] = [];
  vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...args) {
    const [options] = (Array.isArray(args[0]) ? args[0] : args) as { host: string; port: number }[];
    targets.push(`${options!.host}:${options!.port}`);
    const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    process.nextTick(() => this.destroy(error));
    return this;
  });
  return targets;
}

describe('a request', () => {
  it('reaches a private address only where the operator has allowed the host', async () => {
    const receiver = await receive();
    expect(await failureOf(post(`${receiver.url}/hook`))).toBe(
      '127.0.0.1 is a loopback address, and requests go to public addresses alone; ' +
        'whoever runs this server may allow the host in SPIKESCOPE_ALERT_ALLOWED_HOSTS',
    );
    expect(receiver.connections()).toBe(0);
    expect(await failureOf(post(receiver.url, { allowedHosts: ['127.0.0.1:1'] }))).toMatch(/loop/);

    const rules = { allowedHosts: [`127.0.0.1:${receiver.port}`] };
    expect(await post(`${receiver.url}/hook?x=1`, rules)).toMatchObject({ status: 200 });
    expect(receiver.received).toMatchObject([
      {
        path: '/hook?x=1',
        body: '{"a":1}',
        headers: {
          ...{ host: `127.0.0.1:${receiver.port}`, 'content-type': 'application/json' },
          ...{ 'content-length': '7', connection: 'close' },
        },
      },
    ]);
  });

  it.each([
    ...['http://127.1/', 'http://0177.0.0.1/', 'http://0x7f.0.0.1/', 'http://2130706433/'],
    ...['http://017700000001/', 'http://0/', 'http://①②⑦.0.0.1/', 'http://127.0.0.1./'],
    ...['http://[::1]/', 'http://[::ffff:127.0.0.1]/', 'http://[::ffff:7f00:1]/'],
    ...['http://169.254.169.254/', 'http://[fd00:ec2::254]/', 'http://[64:ff9b::7f00:1]/'],
  ])('goes nowhere for %s', async (url) => {
    const targets = refuseConnections();
    expect(await failureOf(post(url))).toContain('requests go to public addresses alone');
    expect(targets).toEqual([]);
  });

  it('to a name that means this machine is refused by what it resolves to', async () => {
    const message = await failureOf(post('http://localhost:1/', { resolve: resolveName }));
    expect(message).toContain('localhost leads to a loopback address');
  });

  it('connects to the address that was judged, though the name means another by then', async () => {
    const targets = refuseConnections();
    const { resolve, calls } = resolveTo(['93.184.216.34'], ['127.0.0.1']);
    expect(await failureOf(post('http://rebind.example:8080/', { resolve }))).toBe(
      'nothing listens at rebind.example:8080',
    );
    expect(targets).toEqual(['93.184.216.34:8080']);
    expect(calls()).toBe(1);
  });

  it('resolves a name once, and sends the name to the address', async () => {
    const first = await receive();
    const { resolve, calls } = resolveTo(['127.0.0.1'], ['127.0.0.2']);
    const allowedHosts = ['hooks.lan'];
    await post(`http://hooks.lan:${first.port}/`, { resolve, allowedHosts });
    expect(first.received[0]!.headers.host).toBe(`hooks.lan:${first.port}`);
    expect(calls()).toBe(1);
  });

  it('is refused by one address among others that may be reached', async () => {
    const targets = refuseConnections();
    for (const addresses of [
      ['93.184.216.34', '10.0.0.1'],
      ['10.0.0.1', '93.184.216.34'],
      ['2606:4700::1111', '::ffff:10.0.0.1'],
    ]) {
      const { resolve } = resolveTo(addresses);
      const message = await failureOf(post('http://two.example/', { resolve }));
      expect(message).toContain('two.example leads to a private address');
      // The network that a name leads into is nobody's business.
      expect(message).not.toContain('10.0.0.1');
    }
    expect(targets).toEqual([]);
  });

  it('tries the next address where nothing listens at one', async () => {
    const receiver = await receive();
    const { resolve } = resolveTo(['127.0.0.2', '127.0.0.1']);
    const rules = { resolve, allowedHosts: ['hooks.lan'] };
    expect(await post(`http://hooks.lan:${receiver.port}/`, rules)).toMatchObject({ status: 200 });
    expect(receiver.received).toHaveLength(1);
  });

  it('follows no redirect', async () => {
    const inner = await receive();
    for (const status of [301, 302, 303, 307, 308]) {
      const outer = await receive(() => ({ status, headers: { Location: `${inner.url}/keys` } }));
      const rules = { allowedHosts: [`127.0.0.1:${outer.port}`] };
      expect(await post(outer.url, rules)).toMatchObject({ status });
    }
    expect(inner.connections()).toBe(0);
  });

  it('takes no proxy from the environment', async () => {
    const proxy = await receive();
    const receiver = await receive();
    for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'ALL_PROXY']) {
      vi.stubEnv(name, proxy.url);
    }
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    await post(receiver.url, { allowedHosts: ['127.0.0.1'] });
    expect([proxy.connections(), receiver.received.length]).toEqual([0, 1]);
  });

  it('sends a name and a password of the URL as such', async () => {
    const receiver = await receive();
    const url = `http://me:a%20b@127.0.0.1:${receiver.port}/`;
    await post(url, { allowedHosts: ['127.0.0.1'] });
    const expected = `Basic ${Buffer.from('me:a b').toString('base64')}`;
    expect(receiver.received[0]!.headers.authorization).toBe(expected);
  });

  it('goes by http and https alone', async () => {
    for (const url of ['file:///etc/passwd', 'ftp://example.org', 'gopher://x', 'nothing']) {
      expect(await failureOf(post(url))).toMatch(/http or https|cannot be read/);
    }
  });
});

describe('a request by TLS', () => {
  const { resolve } = resolveTo(['127.0.0.1']);

  it('verifies the certificate for the name, not for the address', async () => {
    const receiver = await receive(undefined, { isTls: true });
    const rules = { resolve, allowedHosts: ['hooks.test', 'other.test'], ca: CERTIFICATE };
    const { port } = receiver;
    expect(await post(`https://hooks.test:${port}/`, rules)).toMatchObject({ status: 200 });
    expect(await failureOf(post(`https://other.test:${port}/`, rules))).toMatch(/altname/i);
    const literal = { ...rules, allowedHosts: ['127.0.0.1'] };
    expect(await failureOf(post(`https://127.0.0.1:${port}/`, literal))).toMatch(/altname|IP/i);
    expect(receiver.received).toHaveLength(1);
  });

  it('refuses a certificate that nobody vouches for, whatever the environment says', async () => {
    const receiver = await receive(undefined, { isTls: true });
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const rules = { resolve, allowedHosts: ['hooks.test'] };
    const message = await failureOf(post(`https://hooks.test:${receiver.port}/`, rules));
    expect(message).toMatch(/self-signed|certificate/i);
    expect(receiver.received).toHaveLength(0);
  });
});

describe('a receiver', () => {
  const allowed = { allowedHosts: ['127.0.0.1'] };

  it('that never answers is waited for no longer than the limit', async () => {
    const receiver = await receive(() => null);
    const message = await failureOf(post(receiver.url, { ...allowed, timeoutMs: 200 }));
    expect(message).toBe(`no answer from 127.0.0.1:${receiver.port} within 0.2 s`);
  });

  it('that speaks no TLS is waited for until the limit of a connection', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const rules = { ...allowed, connectTimeoutMs: 100 };
    const message = await failureOf(post(`https://127.0.0.1:${port}/`, rules));
    expect(message).toBe(`no connection to 127.0.0.1:${port} within 0.1 s`);
    silent.close();
  });

  it('whose name server never answers is waited for no longer than the limit', async () => {
    const resolve: Resolve = () => new Promise(() => undefined);
    const message = await failureOf(post('http://slow.example/', { resolve, timeoutMs: 100 }));
    expect(message).toBe('no answer from slow.example within 0.1 s');
  });

  it('may say more than is read', async () => {
    const receiver = await receive(() => ({ status: 500, body: 'x'.repeat(10_000_000) }));
    const { status, body } = await post(receiver.url, allowed);
    expect([status, body.length]).toEqual([500, 64 * 1024]);
  });

  it('has answered when its status came, though its body never ends', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\npart');
      });
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    // Long enough for a busy machine to take the status.
    const reply = await post(`http://127.0.0.1:${port}/`, { ...allowed, timeoutMs: 5_000 });
    expect(reply).toEqual({ status: 202, retryAfterSeconds: null, body: 'part' });
    server.close();
  });

  it('says when it wants to be asked again', async () => {
    const answers: Answer[] = [
      { status: 503, headers: { 'Retry-After': '120' } },
      { status: 503, headers: { 'Retry-After': 'soon' } },
      { status: 503 },
    ];
    const receiver = await receive((_, index) => answers[index]!);
    const seconds: (number | null)[] = [];
    while (seconds.length < answers.length) {
      seconds.push((await post(receiver.url, allowed)).retryAfterSeconds);
    }
    expect(seconds).toEqual([120, null, null]);
  });

  it('is named where nothing listens and where its name is not known', async () => {
    const receiver = await startReceiver();
    await receiver.close();
    expect(await failureOf(post(receiver.url, allowed))).toBe(
      `nothing listens at 127.0.0.1:${receiver.port}`,
    );
    const resolve: Resolve = () => Promise.reject(new Error('ENOTFOUND'));
    expect(await failureOf(post('http://no.example/', { resolve }))).toBe(
      'the name no.example was not found',
    );
  });

  it('is left alone once whoever asked has gone', async () => {
    const receiver = await receive(() => null);
    const controller = new AbortController();
    const sending = postSafely(
      { url: receiver.url, body: '', headers: {}, signal: controller.signal },
      { ...allowed, resolve: nowhere },
    );
    await receiver.waitFor(1);
    controller.abort();
    expect(await failureOf(sending)).toMatch(/shutting down/);
  });
});
