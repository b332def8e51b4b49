import { describe, expect, it } from 'vitest';
import { describeProcesses, toLocalUrl } from '@/workers/launcher/product-processes';

const addresses = {
  host: '127.0.0.1',
  port: 3000,
  ingestPort: 20_001,
  webPort: 20_002,
  databaseUrl: 'postgres://here',
};
const options = {
  root: '/product',
  isDevelopment: false,
  environment: { DATABASE_URL: 'postgres://given', LOG_LEVEL: 'warn' },
};

describe('describeProcesses', () => {
  it('tells each part where the others are', () => {
    const { ingest, api } = describeProcesses(addresses, options);
    expect(ingest.environment).toMatchObject({ INGEST_PORT: '20001', LOG_LEVEL: 'warn' });
    expect(api.environment).toMatchObject({
      HOST: '127.0.0.1',
      PORT: '3000',
      DATABASE_URL: 'postgres://here',
      INGEST_URL: 'http://127.0.0.1:20001',
      WEB_URL: 'http://127.0.0.1:20002',
      NODE_ENV: 'production',
    });
  });

  it('gives the pages no database and no address but loopback', () => {
    const { web } = describeProcesses({ ...addresses, host: '0.0.0.0' }, options);
    expect(web.environment['DATABASE_URL']).toBeUndefined();
    expect(web.nodeArguments.slice(-5)).toEqual(['start', '-H', '127.0.0.1', '-p', '20002']);
  });

  it('lets the engine of the ingestion worker, and of no other part, mark its heap more rarely', () => {
    const { ingest, api, web } = describeProcesses(addresses, options);
    const hasLimit = ({ nodeArguments }: typeof ingest) =>
      nodeArguments.some((argument) => argument.startsWith('--initial-old-space-size='));
    expect([ingest, api, web].map(hasLimit)).toEqual([true, false, false]);
    expect(ingest.nodeArguments.at(-1)).toBe('/product/.build/workers/ingest/server.mjs');
  });

  it('has the allocator give memory back, unless the operator says otherwise', () => {
    const name = 'MALLOC_MMAP_THRESHOLD_';
    const settingsOf = (environment: Readonly<Record<string, string>>) =>
      Object.values(describeProcesses(addresses, { ...options, environment })).map(
        (part) => part.environment[name],
      );
    expect(settingsOf({})).toEqual(['131072', '131072', '131072']);
    expect(settingsOf({ [name]: '4096' })).toEqual(['4096', '4096', '4096']);
  });

  it('runs sources that reload while developing', () => {
    const { ingest, web } = describeProcesses(addresses, { ...options, isDevelopment: true });
    expect(ingest.nodeArguments.slice(-2)).toEqual(['watch', '/product/workers/ingest/server.ts']);
    expect(web.nodeArguments).toContain('dev');
  });
});

describe('toLocalUrl', () => {
  it.each([
    ['127.0.0.1', 'http://127.0.0.1:3000'],
    ['0.0.0.0', 'http://127.0.0.1:3000'],
    ['::', 'http://127.0.0.1:3000'],
    ['::1', 'http://[::1]:3000'],
    ['seismo.example', 'http://seismo.example:3000'],
  ])('names an address that %s answers at', (host, url) => {
    expect(toLocalUrl({ host, port: 3000 })).toBe(url);
  });
});
