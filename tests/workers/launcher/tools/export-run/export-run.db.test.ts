import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { type TestServers, startServers } from '@/tests/servers';
import {
  type ExportOptions,
  parseExportOptions,
} from '@/workers/launcher/tools/export-run/export-options';
import { describeLosses } from '@/workers/launcher/tools/export-run/describe-losses';
import { exportRun } from '@/workers/launcher/tools/export-run/export-run';

const STEPS = 11_000;
/** Two parts. */
const STEPS_OF_SHORT = 6_000;
let servers: TestServers;
let folder: string;

beforeAll(async () => {
  servers = await startServers();
  folder = await mkdtemp(join(tmpdir(), 'spikescope-export-'));
  await storeRun('long', STEPS);
});
afterAll(async () => {
  await servers.stop();
  await rm(folder, { recursive: true });
});

async function storeRun(id: string, stepCount: number): Promise<void> {
  const { runKey } = await createRun(servers.db, aRun({ id, layerCount: 2 }));
  for (let first = 0; first < stepCount; first += 1000) {
    await servers.writer.write(
      Array.from({ length: 1000 }, (_, index) => ({
        ...{ runKey, attempt: 1, layerOffset: 0 },
        frame: aFrame(first + index, { layers: { rms: [index / 3, first] }, loss: index }),
      })),
    );
  }
}

const parse = (...args: string[]): ExportOptions => parseOf('long', ...args);

function parseOf(runId: string, ...args: string[]): ExportOptions {
  const options = parseExportOptions([runId, '--url', servers.url, ...args], {});
  if (options === 'help') throw new Error('nobody asked for help');
  return options;
}

/** Breaks off in the body of the given requests, counted from 0. */
function failingFetch(broken: readonly number[]): { fetch: typeof fetch; asked: () => number } {
  let count = 0;
  return {
    asked: () => count,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (!broken.includes(count++)) return response;
      const reader = response.body!.getReader();
      const first = await reader.read();
      await reader.cancel();
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (first.value === undefined) throw new Error('there is nothing to break');
          controller.enqueue(first.value.subarray(0, 100));
          controller.error(new Error('the connection was lost'));
        },
      });
      return new Response(body, { headers: response.headers });
    },
  };
}

const context = { show: () => undefined, retryDelayMs: 0 };

it.each(['csv', 'jsonl'] as const)('puts parts of %s together to one file', async (format) => {
  const out = join(folder, `whole.${format}`);
  // The second part breaks off once and is asked for again.
  const broken = failingFetch([2]);
  await exportRun(parse('--format', format, '--out', out), { ...context, fetch: broken.fetch });
  expect(broken.asked()).toBe(5);
  const whole = await servers.api(`/api/v1/runs/long/export?kind=layers&format=${format}`);
  expect(await readFile(out, 'utf8')).toBe(await whole.text());
  expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
});

it('goes on where an earlier call broke off for good', async () => {
  const out = join(folder, 'later.csv');
  const options = parse('--kind', 'steps', '--out', out);
  const broken = failingFetch([2, 3, 4, 5, 6]);
  await expect(exportRun(options, { ...context, fetch: broken.fetch })).rejects.toThrow(
    'the connection was lost',
  );
  const later = failingFetch([]);
  await exportRun(options, { ...context, fetch: later.fetch });
  // The count, and the second and third part.
  expect(later.asked()).toBe(3);
  const whole = await servers.api('/api/v1/runs/long/export?kind=steps');
  expect(await readFile(out, 'utf8')).toBe(await whole.text());
});

/** Something happens before the request of this number, counted from 0. */
function fetchAfter(number: number, happen: () => Promise<unknown>): typeof fetch {
  let count = 0;
  return async (input, init) => {
    if (count++ === number) await happen();
    return fetch(input, init);
  };
}

const rewind = (id: string, resumeFromStep: number) => async () => {
  await createRun(servers.db, aRun({ id, layerCount: 2, resumeFromStep }));
  const steps = [resumeFromStep, STEPS_OF_SHORT];
  await servers.post(`/api/v1/runs/${id}/frames`, {
    frames: steps.map((step) => ({ step, loss: -1 })),
  });
};

it.each([
  { id: 'below', resumeFromStep: 3_000 },
  { id: 'above', resumeFromStep: 5_500 },
])('follows one trajectory where it is rewound between parts, $id', async (rewound) => {
  const { id, resumeFromStep } = rewound;
  await storeRun(id, STEPS_OF_SHORT);
  const out = join(folder, `${id}.csv`);
  // The count and the first part come before.
  const rewinding = fetchAfter(2, rewind(id, resumeFromStep));
  await exportRun(parseOf(id, '--kind', 'steps', '--out', out), { ...context, fetch: rewinding });
  const whole = await servers.api(`/api/v1/runs/${id}/export?kind=steps`);
  expect(await readFile(out, 'utf8')).toBe(await whole.text());
});

it('leaves no file of a trajectory that an earlier call followed', async () => {
  await storeRun('refiled', STEPS_OF_SHORT);
  const out = join(folder, 'refiled.parquet');
  const options = parseOf('refiled', '--format', 'parquet', '--part-steps', '4000', '--out', out);
  const broken = failingFetch([2, 3, 4, 5, 6]);
  await expect(exportRun(options, { ...context, fetch: broken.fetch })).rejects.toThrow('lost');
  await rewind('refiled', 2_000)();
  const { files } = await exportRun(options, { ...context, fetch });
  expect(files).toEqual([join(folder, 'refiled.0.parquet')]);
  expect((await readdir(folder)).filter((name) => name.startsWith('refiled'))).toEqual([
    'refiled.0.parquet',
  ]);
});

it('keeps cells below their names where a scalar is first reported between parts', async () => {
  await storeRun('widened', STEPS_OF_SHORT);
  const out = join(folder, 'widened.csv');
  const widening = fetchAfter(2, () =>
    servers.post('/api/v1/runs/widened/frames', {
      frames: [{ step: STEPS_OF_SHORT, loss: 1, scalars: { tokens: 7 } }],
    }),
  );
  await exportRun(parseOf('widened', '--kind', 'steps', '--out', out), {
    ...context,
    fetch: widening,
  });
  const whole = await servers.api('/api/v1/runs/widened/export?kind=steps');
  expect(await readFile(out, 'utf8')).toBe(await whole.text());
});

it('writes Parquet in files of so many steps', async () => {
  const out = join(folder, 'parts.parquet');
  const options = parse('--format', 'parquet', '--part-steps', '6000', '--out', out);
  const { files } = await exportRun(options, { ...context, fetch });
  expect(files.map((file) => file.slice(folder.length + 1))).toEqual([
    'parts.0.parquet',
    'parts.6000.parquet',
  ]);
  for (const file of files) expect((await readFile(file)).subarray(-4).toString()).toBe('PAR1');
});

it('says why the server refuses', async () => {
  const options = parse('--metric', 'nothing', '--out', join(folder, 'never.csv'));
  await expect(exportRun(options, { ...context, fetch })).rejects.toThrow(
    /422: .*no layer metric nothing/,
  );
});

it('says up to which step values are rounded and which steps have gone, as the server does', async () => {
  const losses = describeLosses(
    await exportRun(parse('--out', join(folder, 'all.csv')), { ...context, fetch }),
  );
  expect(losses).toEqual([]);
  // Parts, of which the policy rounds more and lets more go while they are taken.
  let asked = 0;
  const rounding: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const headers = new Headers(response.headers);
    if (asked > 0) headers.set('X-Export-Rounded-Before', asked === 1 ? '5000' : '6400');
    if (asked === 0) headers.set('X-Export-Gaps', '0-63,128-191');
    if (asked === 2) headers.set('X-Export-Gaps', '5056-5119');
    asked++;
    return new Response(response.body, { headers });
  };
  const exported = await exportRun(parse('--out', join(folder, 'rounded.csv')), {
    ...context,
    fetch: rounding,
  });
  expect(exported.roundedBefore).toBe(6400);
  const [rounded, gone] = describeLosses(exported);
  expect(rounded).toContain('before step 6400 may be rounded');
  expect(gone).toContain('Steps 0-63, 128-191, 5056-5119 are left out');
});
