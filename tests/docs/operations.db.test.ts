import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServers, type TestServers } from '@/tests/servers';

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

let servers: TestServers;

beforeAll(async () => {
  servers = await startServers();
});
afterAll(async () => {
  await servers.stop();
});

it('advises alarms on metrics that are there', async () => {
  const named = [...page.matchAll(/`(spikescope_[a-z_]+)`/g)].map(([, name]) => name);
  const { body } = await servers.get('/metrics');
  const there = [...String(body).matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(3);
  expect(there).toEqual(expect.arrayContaining(named));
});
