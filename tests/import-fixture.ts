import { fileURLToPath } from 'node:url';
import { createClient } from '@/clients/typescript/create-client';
import { importRecording } from '@/workers/launcher/tools/import-recording/import-recording';
import { readRecording } from '@/workers/launcher/tools/import-recording/read-recording';
import type { TestServers } from './servers';

/** Posts a recorded run as `npm run import` does, up to its finish; its findings are there then. */
export async function importFixture(
  servers: TestServers,
  path: string,
  id: string,
  project = 'tests',
): Promise<void> {
  const file = fileURLToPath(new URL(`./fixtures/${path}`, import.meta.url));
  await importRecording(
    await readRecording(file),
    { run: { project, id, name: id, tags: [] }, pace: { kind: 'unlimited' } },
    {
      client: createClient({ url: servers.url, directory: null }),
      say: () => undefined,
      wait: () => Promise.resolve(),
      now: () => 0,
      isStopped: () => false,
    },
  );
}
