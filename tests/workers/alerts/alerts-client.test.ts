import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '@/tests/database';
import { type AlertsClient, createAlertsClient } from '@/workers/alerts/alerts-client';

const open: AlertsClient[] = [];
afterEach(async () => {
  for (const client of open.splice(0)) await client.close();
});

/** A client of a thread that repeats what it is told, and that. */
function startClient() {
  const told: object[] = [];
  const errors: string[] = [];
  const client = createAlertsClient({
    databaseUrl: 'postgres://nowhere',
    settings: { publicUrl: 'http://localhost', allowedHosts: [], mail: null },
    logger: {
      ...silentLogger,
      info: (fields) => told.push(fields),
      error: (_fields, message) => errors.push(message),
    },
    threadUrl: new URL('./threads/repeats.ts', import.meta.url),
  });
  open.push(client);
  return { client, told, errors };
}

describe('the worker’s side of the alert thread', () => {
  it('sums news up, and tells of changes after what came before them', async () => {
    const { client, told } = startClient();
    await client.ready;
    client.noteStored({ runKey: 'a', attempt: 1 });
    client.noteSettled({ runKey: 'a', attempt: 1 }, 7);
    client.noteSettled({ runKey: 'a', attempt: 1 }, 6);
    client.noteStored({ runKey: 'b', attempt: 2 });
    client.noteChanged('a');
    client.noteRules('tests');
    await expect
      .poll(() => told)
      .toEqual([
        {
          kind: 'news',
          news: [
            { runKey: 'a', attempt: 1, settledStep: 7 },
            { runKey: 'b', attempt: 2, settledStep: null },
          ],
        },
        { kind: 'changed', runKey: 'a' },
        { kind: 'rules', project: 'tests' },
      ]);
  });

  it('starts a thread again that died, and says how far detectors are', async () => {
    const { client, told, errors } = startClient();
    await client.ready;
    client.noteSettled({ runKey: 'a', attempt: 1 }, 7);
    client.noteSettled({ runKey: 'gone', attempt: 1 }, 9);
    client.noteChanged('a');
    client.forget('gone');
    await expect.poll(() => told).toHaveLength(3);
    client.noteChanged('dies');
    await expect.poll(() => told).toHaveLength(4);
    expect(told.at(-1)).toEqual({
      kind: 'news',
      news: [{ runKey: 'a', attempt: 1, settledStep: 7 }],
    });
    expect(errors).toEqual(['the alert thread died; starting it again']);
    expect(client.status()).toMatchObject({ isRunning: true, restarts: 1 });
    expect(client.check()).toBe('ok');
  });
});
