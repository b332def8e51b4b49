import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32FromBfloat16 } from '@/lib/contract/half-floats';
import { SAFETENSORS_MEDIA_TYPE } from '@/lib/contract/heatmap-columns';
import {
  type TensorToEncode,
  encodeSafetensors,
  parseSafetensors,
} from '@/lib/contract/safetensors';
import { type TestServers, aRun, startServers } from '@/tests/servers';

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

const LAYERS = 2;
const SAMPLES = 4;
const ONSET = 100;

/** Of layer l at a step: bit patterns that no rounding would leave as they are. */
const gradientBits = (step: number, layer: number, sample: number): number =>
  0x3f80 + (((step * LAYERS + layer) * SAMPLES + sample) % 128);

/** One step: gradients as BF16, a NaN among the second moments. */
function bodyOf(
  step: number,
  loss: number,
  { firstLayer = 0, layerCount = LAYERS, attempt = 1 } = {},
): Uint8Array<ArrayBuffer> {
  const shape = [1, layerCount, SAMPLES];
  const gradient = new Uint16Array(layerCount * SAMPLES);
  for (let layer = 0; layer < layerCount; layer++) {
    for (let sample = 0; sample < SAMPLES; sample++) {
      gradient[layer * SAMPLES + sample] = gradientBits(step, firstLayer + layer, sample);
    }
  }
  const second = new Float32Array(layerCount * SAMPLES).fill(1);
  second[SAMPLES - 1] = NaN;
  const tensors: TensorToEncode[] = [
    { name: 'step', dtype: 'I64', shape: [1], data: BigInt64Array.of(BigInt(step)) },
    { name: 'loss', dtype: 'F64', shape: [1], data: Float64Array.of(loss) },
    { name: 'sample/gradient', dtype: 'BF16', shape, data: gradient },
    { name: 'sample/first_moment', dtype: 'F16', shape, data: gradient.map(() => 0x3800) },
    { name: 'sample/second_moment', dtype: 'F32', shape, data: second },
  ];
  const metadata = { attempt: String(attempt) };
  return encodeSafetensors(
    tensors,
    layerCount === LAYERS ? metadata : { ...metadata, layer_offset: String(firstLayer) },
  );
}

async function post(id: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
  const response = await servers.api(`/api/v1/runs/${id}/frames`, {
    method: 'POST',
    headers: { 'Content-Type': SAFETENSORS_MEDIA_TYPE },
    body,
  });
  if (response.status !== 200) throw new Error(await response.text());
}

/** A quiet loss that leaps on the step ONSET and stays up for ten. */
const lossAt = (step: number): number =>
  step >= ONSET && step < ONSET + 10 ? 6 : 2 + 0.01 * Math.sin(step * 1.7);

/** Resolves once what was found has been written: `finish` waits for it. */
async function spiked(id: string, options: { sharded?: boolean } = {}): Promise<void> {
  await servers.post('/api/v1/runs', aRun(id));
  for (let step = 0; step < 130; step++) {
    if (options.sharded === true) {
      await post(id, bodyOf(step, lossAt(step), { firstLayer: 0, layerCount: 1 }));
      await post(id, bodyOf(step, lossAt(step), { firstLayer: 1, layerCount: 1 }));
    } else await post(id, bodyOf(step, lossAt(step)));
  }
  await servers.post(`/api/v1/runs/${id}/finish`, { status: 'finished' });
}

const AROUND = Array.from({ length: 11 }, (_, index) => ONSET - 5 + index);

describe('raw samples around a spike', () => {
  it('are kept five steps to either side of its onset and listed', async () => {
    await spiked('kept');
    const spikes = await servers.get('/api/v1/runs/kept/spikes?kind=loss_spike');
    expect(spikes.body.items).toMatchObject([{ onsetStep: ONSET }]);
    const { status, body } = await servers.get('/api/v1/runs/kept/samples');
    expect(status).toBe(200);
    expect(body.items).toEqual(
      AROUND.map((step) => ({ step, attempt: 1, layerCount: LAYERS, sampleCount: SAMPLES })),
    );
    const range = await servers.get('/api/v1/runs/kept/samples?fromStep=99&toStep=101');
    expect(range.body.items.map((item: { step: number }) => item.step)).toEqual([99, 100, 101]);
    expect((await servers.get('/api/v1/runs/kept/samples?attempt=2')).status).toBe(404);
  });

  it('are read back as they were posted, bit for bit', async () => {
    const response = await servers.api('/api/v1/runs/kept/layers/1/samples?step=98', {
      headers: { Accept: SAFETENSORS_MEDIA_TYPE },
    });
    expect(response.headers.get('content-type')).toBe(SAFETENSORS_MEDIA_TYPE);
    const { tensors, metadata } = parseSafetensors(new Uint8Array(await response.arrayBuffer()));
    expect(Object.fromEntries(metadata)).toEqual({ step: '98', attempt: '1', layer: '1' });
    const gradient = tensors.get('sample/gradient')!;
    expect([gradient.dtype, gradient.shape]).toEqual(['BF16', [SAMPLES]]);
    expect(new Uint16Array(gradient.bytes.slice().buffer)).toEqual(
      Uint16Array.from({ length: SAMPLES }, (_, sample) => gradientBits(98, 1, sample)),
    );
    expect(tensors.get('sample/first_moment')?.dtype).toBe('F16');
    expect(tensors.get('sample/second_moment')?.dtype).toBe('F32');
  });

  it('are numbers in JSON, null where they are not finite', async () => {
    const { body } = await servers.get('/api/v1/runs/kept/layers/0/samples?step=100');
    expect(body).toEqual({
      layer: { index: 0, name: 'layer.0', parameterCount: 100 },
      step: 100,
      attempt: 1,
      sampleCount: SAMPLES,
      types: { gradient: 'BF16', firstMoment: 'F16', secondMoment: 'F32' },
      gradient: [
        ...float32FromBfloat16(
          Uint16Array.from({ length: SAMPLES }, (_, sample) => gradientBits(100, 0, sample)),
        ),
      ],
      firstMoment: [0.5, 0.5, 0.5, 0.5],
      secondMoment: [1, 1, 1, null],
      nonFiniteCount: 1,
    });
  });

  it.each([
    ['/layers/0/samples?step=50', 404, 'samples_not_found'],
    ['/layers/9/samples?step=100', 404, 'layer_not_found'],
    ['/layers/0/samples', 422, 'invalid_query'],
    ['/layers/0/samples?step=100&attempt=2', 404, 'attempt_not_found'],
  ])('answer %s with %i %s', async (path, status, code) => {
    const reply = await servers.get(`/api/v1/runs/kept${path}`);
    expect([reply.status, reply.body.error.code]).toEqual([status, code]);
  });

  it('are kept of every shard', async () => {
    await spiked('sharded', { sharded: true });
    const { body } = await servers.get('/api/v1/runs/sharded/samples');
    expect(body.items.map((item: { step: number }) => item.step)).toEqual(AROUND);
    expect(body.items.every((item: { layerCount: number }) => item.layerCount === LAYERS)).toBe(
      true,
    );
    const { body: layer } = await servers.get('/api/v1/runs/sharded/layers/1/samples?step=95');
    expect(layer.gradient).toEqual([
      ...float32FromBfloat16(
        Uint16Array.from({ length: SAMPLES }, (_, sample) => gradientBits(95, 1, sample)),
      ),
    ]);
  });

  it('are counted in the metrics, and go with their run', async () => {
    const metrics = await (await fetch(`${servers.ingestUrl}/metrics`)).text();
    expect(metrics).toContain('spikescope_ingest_sample_posts_total{outcome="kept"} 33');
    expect(metrics).toContain('spikescope_ingest_sample_posts_total{outcome="dropped"} 0');
    // Of runs that have finished nothing is held in case that a spike follows.
    expect(metrics).toContain('spikescope_ingest_sample_bytes_held 0\n');
    await servers.api('/api/v1/runs/kept', { method: 'DELETE' });
    const { rows } = await servers.db.pool.query('SELECT DISTINCT run FROM sample_frame');
    expect(rows).toHaveLength(1);
  });

  it('of a deleted run are not what a new one of its name is compared with', async () => {
    const lastCosine = async (): Promise<unknown> => {
      const { body } = await servers.get(
        '/api/v1/runs/again/layers/0/series?metric=gradient_cosine',
      );
      return body.points.at(-1);
    };
    await servers.post('/api/v1/runs', aRun('again'));
    await post('again', bodyOf(0, 2));
    await post('again', bodyOf(1, 2));
    expect(await lastCosine()).toMatchObject({ toStep: 1, mean: expect.closeTo(1) });
    await servers.api('/api/v1/runs/again', { method: 'DELETE' });
    await servers.post('/api/v1/runs', aRun('again'));
    await post('again', bodyOf(2, 2));
    expect(await lastCosine()).toBeUndefined();
  });
});
