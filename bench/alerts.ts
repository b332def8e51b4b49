/**
 * How soon a message is there: from before the post of the frame that trips a rule until the
 * receiver has the request, through the bundled product on loopback. Beside the receiver that is
 * timed, some that never answer are told of every incident as well. The bar is 5 s at the 95th
 * percentile.
 *
 * Run: npm run bench -- alerts [--incidents 100] [--hanging 8] [--layers 100] [--every-ms 50]
 */
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import {
  type BenchProduct,
  buildWorkers,
  startBenchProduct,
  startBenchServer,
} from './ingest/bench-product';
import { machineLine } from './shared/machine-line';
import { postJson } from './shared/post-json';
import { toQuantiles } from './shared/quantiles';

const { values: options } = parseArgs({
  options: {
    incidents: { type: 'string', default: '100' },
    hanging: { type: 'string', default: '8' },
    layers: { type: 'string', default: '100' },
    'every-ms': { type: 'string', default: '50' },
  },
});
const incidentCount = Number(options.incidents);
const layerCount = Number(options.layers);
const everyMs = Number(options['every-ms']);
const BAR_MS = 5_000;
/** Frames from one incident to the next; the rule closes after one that is well again. */
const STEPS_PER_INCIDENT = 4;
const GIVE_UP_MS = 60_000;
const CHANNELS_PER_RULE = 32;

console.log(machineLine());

const bodySchema = z.object({ incident: z.object({ openedStep: z.int() }) });
const arrivedMs = new Map<number, number>();
const receivers: Server[] = [];

async function receive(onMessage: (body: string) => boolean): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (onMessage(Buffer.concat(chunks).toString())) response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  receivers.push(server);
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}/`;
}

const timed = await receive((body) => {
  const nowMs = performance.now();
  const { openedStep } = bodySchema.parse(JSON.parse(body)).incident;
  // A repeat came later.
  if (!arrivedMs.has(openedStep)) arrivedMs.set(openedStep, nowMs);
  return true;
});
const hanging = await Promise.all(
  Array.from({ length: Number(options.hanging) }, () => receive(() => false)),
);

process.env['SPIKESCOPE_ALERT_ALLOWED_HOSTS'] = '127.0.0.1';
const server = await startBenchServer();
let product: BenchProduct | null = null;
try {
  await buildWorkers();
  product = await startBenchProduct(server, 'alerts', null);
  const { url } = product;
  const post = (path: string, value: unknown) => postJson(url, path, value);
  await post('/runs', {
    ...{ id: 'alerts', project: 'bench', optimizer: { name: 'adamw' } },
    layers: Array.from({ length: layerCount }, (_, index) => ({
      ...{ name: `blocks.${index}`, parameterCount: 1000 },
    })),
  });
  const channelIds: string[] = [];
  for (const target of [timed, ...hanging]) {
    const made = await post('/projects/bench/alert-channels', {
      name: `receiver ${channelIds.length}`,
      target: { kind: 'webhook', url: target },
    });
    channelIds.push(z.object({ id: z.string() }).parse(made).id);
  }
  // The one that is timed and as many others as a rule may name; further rules for the rest.
  for (let at = 0; at < channelIds.length; at += CHANNELS_PER_RULE) {
    await post('/projects/bench/alert-rules', {
      ...{ name: `Loss above 6, ${at}`, notifyBrowsers: false },
      channelIds: channelIds.slice(at, at + CHANNELS_PER_RULE),
      condition: { kind: 'threshold', metric: 'loss', side: 'above', limit: 6, closeAfter: 1 },
    });
  }

  const sentMs = new Map<number, number>();
  const stepCount = incidentCount * STEPS_PER_INCIDENT;
  for (let step = 0; step < stepCount; step++) {
    const isHigh = step % STEPS_PER_INCIDENT === STEPS_PER_INCIDENT - 1;
    if (isHigh) sentMs.set(step, performance.now());
    const layers = { gradient_norm: Array<number>(layerCount).fill(1 + (step % 7) / 100) };
    await post('/runs/alerts/frames', { frames: [{ step, loss: isHigh ? 7 : 2, layers }] });
    await sleep(everyMs);
  }
  const untilMs = performance.now() + GIVE_UP_MS;
  while (arrivedMs.size < sentMs.size && performance.now() < untilMs) await sleep(50);
  report([...sentMs].map(([step, at]) => (arrivedMs.get(step) ?? Infinity) - at));
} finally {
  await product?.stop();
  for (const receiver of receivers) {
    receiver.closeAllConnections();
    receiver.close();
  }
  await server.stop();
}

function report(tookMs: number[]): void {
  const { p50, p95, highest } = toQuantiles(tookMs);
  const lost = tookMs.filter((ms) => ms === Infinity).length;
  const words = [p50, p95, highest].map((ms) => `${ms.toFixed(0)} ms`);
  console.log(
    `${tookMs.length} incidents, ${layerCount} layers, a frame every ${everyMs} ms, ${hanging.length} receivers that never answer beside`,
  );
  console.log(
    `frame to receiver: median ${words[0] ?? ''}, 95th percentile ${words[1] ?? ''} (bar ${BAR_MS} ms), longest ${words[2] ?? ''}, lost ${lost}`,
  );
  if (!(p95 <= BAR_MS) || lost > 0) process.exitCode = 1;
}
