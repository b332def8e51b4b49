import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { useFakeServer } from './client-test';

const test = useFakeServer();
const [, snippet] = /```ts\n(.*?)```/s.exec(
  readFileSync('clients/typescript/README.md', 'utf8'),
) ?? ['', ''];

it('runs what the README shows, with the variables that it names', async () => {
  const source = `
    const [step, loss, learningRate, norms] = [1, 2.5, 1e-3, Float32Array.of(1, 2)];
    const layers = [{ name: 'wte', parameterCount: 8 }, { name: 'head', parameterCount: 8 }];
    ${snippet}
  `;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', source];
  const env = {
    ...process.env,
    ...{ SPIKESCOPE_URL: test.server.url, SPIKESCOPE_RUN_ID: 'shown', SPIKESCOPE_TAGS: 'a,b' },
  };
  const job = spawn(process.execPath, args, { env, stdio: 'inherit' });
  expect(await once(job, 'close')).toEqual([0, null]);
  expect(test.server.creates).toMatchObject([
    { id: 'shown', project: 'default', tags: ['a', 'b'] },
  ]);
  expect(test.server.steps).toEqual([1]);
  expect(test.server.finishes).toEqual([{ status: 'finished' }]);
});
