import { type Server, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '@/lib/contract/app-error';
import { BodyPool } from '@/workers/http/body-pool';
import { BodyBudget, withBody } from '@/workers/http/read-body';

const MAX_BYTES = 100_000;
const budget = new BodyBudget(250_000);
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    // Of one test alone: any body may be late by that much on a busy machine.
    const limit = request.headers['x-hurry'] === undefined ? {} : { timeoutMs: 200 };
    withBody(request, { budget, maxBytes: MAX_BYTES, ...limit }, (body) =>
      Promise.resolve({
        sizeBytes: body.byteLength,
        alignment: body.byteOffset % 8,
        sum: body.reduce((a, b) => a + b, 0),
      }),
    ).then(
      (value) => response.end(JSON.stringify(value)),
      (error: unknown) => {
        response.statusCode = error instanceof AppError ? error.status : 500;
        response.end(JSON.stringify({ code: error instanceof AppError ? error.code : 'bug' }));
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function post(body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method: 'POST', body, headers });
  return { status: response.status, ...((await response.json()) as Record<string, unknown>) };
}

describe('withBody', () => {
  it('hands over the bytes, aligned for 64-bit views', async () => {
    expect(await post(new Uint8Array(50_001).fill(1))).toEqual({
      status: 200,
      sizeBytes: 50_001,
      alignment: 0,
      sum: 50_001,
    });
  });

  it('decompresses gzip', async () => {
    const body = new Uint8Array(gzipSync(new Uint8Array(90_000).fill(2)));
    expect(await post(body, { 'Content-Encoding': 'gzip' })).toMatchObject({
      status: 200,
      sizeBytes: 90_000,
      alignment: 0,
      sum: 180_000,
    });
  });

  it('stops a gzip bomb at the limit', async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(50_000_000)));
    expect(bomb.byteLength).toBeLessThan(MAX_BYTES);
    expect(await post(bomb, { 'Content-Encoding': 'gzip' })).toEqual({
      status: 413,
      code: 'body_too_large',
    });
  });

  it('refuses a body over the limit, declared or not', async () => {
    expect(await post(new Uint8Array(MAX_BYTES + 1))).toEqual({
      status: 413,
      code: 'body_too_large',
    });
    const chunks = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 3; i++) controller.enqueue(new Uint8Array(50_000));
        controller.close();
      },
    });
    const response = await fetch(url, {
      method: 'POST',
      body: chunks,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
  });

  it('refuses broken gzip and other encodings', async () => {
    expect(await post(new Uint8Array([1, 2, 3]), { 'Content-Encoding': 'gzip' })).toEqual({
      status: 422,
      code: 'invalid_body',
    });
    const cut = new Uint8Array(gzipSync(new Uint8Array(1000)).subarray(0, 15));
    expect(await post(cut, { 'Content-Encoding': 'gzip' })).toEqual({
      status: 422,
      code: 'invalid_body',
    });
    expect(await post(new Uint8Array(3), { 'Content-Encoding': 'br' })).toEqual({
      status: 415,
      code: 'unsupported_encoding',
    });
  });

  it('answers a body that never ends within its time', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(
        url,
        { method: 'POST', headers: { 'Content-Length': '1000', 'X-Hurry': 'yes' } },
        (response) => {
          resolve(response.statusCode);
          request.destroy();
        },
      );
      request.on('error', reject);
      request.write('some of it');
    });
    expect(status).toBe(408);
  });

  it.each([{ 'Content-Length': '1000' }, { 'Transfer-Encoding': 'chunked' }])(
    'takes a client that goes away for that, and not for a fault of ours: %o',
    async (headers) => {
      const failed = new Promise<unknown>((resolve) => {
        server.prependOnceListener('request', (request) => {
          withBody(request, { budget, maxBytes: MAX_BYTES }, () => Promise.resolve()).catch(
            resolve,
          );
          request.once('data', () => leaving.destroy());
        });
      });
      const leaving = httpRequest(url, { method: 'POST', headers });
      leaving.on('error', () => undefined);
      leaving.write('some of it');
      expect(await failed).toMatchObject({
        code: 'bad_request',
        message: 'the connection closed inside the body',
      });
    },
  );

  it('gives its bytes back to the budget, also after failures', () => {
    expect(budget.heldBytes).toBe(0);
  });
});

describe('BodyBudget', () => {
  it('answers saturation instead of holding more than it may', () => {
    const small = new BodyBudget(10);
    small.take(8);
    expect(() => {
      small.take(3);
    }).toThrow(expect.objectContaining({ code: 'writer_saturated', retryAfterSeconds: 1 }));
    small.give(8);
    expect(small.heldBytes).toBe(0);
  });
});

describe('withBody and a pool', () => {
  const pool = new BodyPool();
  let seen: Uint8Array[] = [];
  let pooled: Server;
  let pooledUrl: string;

  beforeAll(async () => {
    pooled = createServer((request, response) => {
      withBody(request, { budget, pool }, (body, release) => {
        seen.push(body);
        if (request.headers['x-release'] === 'yes') release();
        if (request.headers['x-fail'] === 'yes') return Promise.reject(new Error('failed'));
        return Promise.resolve(body.reduce((a, b) => a + b, 0));
      }).then(
        (sum) => response.end(`${sum}`),
        () => response.writeHead(500).end('failed'),
      );
    });
    await new Promise<void>((resolve) => pooled.listen(0, '127.0.0.1', resolve));
    pooledUrl = `http://127.0.0.1:${(pooled.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    pooled.closeAllConnections();
    pooled.close();
  });

  async function send(fill: number, headers: Record<string, string>): Promise<string> {
    const body = new Uint8Array(70_000).fill(fill);
    const response = await fetch(pooledUrl, { method: 'POST', body, headers });
    return response.text();
  }

  it('uses the memory of a body again once it was released, and reads what was sent', async () => {
    seen = [];
    const sums: string[] = [];
    for (const fill of [1, 2, 3]) sums.push(await send(fill, { 'X-Release': 'yes' }));
    expect(sums).toEqual(['70000', '140000', '210000']);
    expect(new Set(seen.map(({ buffer }) => buffer)).size).toBe(1);
  });

  it('leaves a body alone that was kept, or whose handling failed', async () => {
    seen = [];
    await send(4, {});
    await send(5, { 'X-Release': 'yes', 'X-Fail': 'yes' });
    await send(6, { 'X-Release': 'yes' });
    expect(seen[0]?.[0]).toBe(4);
    expect(seen[1]?.[0]).toBe(5);
    expect(new Set(seen.map(({ buffer }) => buffer)).size).toBe(3);
  });
});
