import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SAFETENSORS_MEDIA_TYPE } from '@/lib/contract/heatmap-columns';
import { type TensorToEncode, encodeSafetensors } from '@/lib/contract/safetensors';
import { type ClonedDatabase, createTestDatabase } from '@/tests/database';
import { type ApiResult, type TestServers, aRun, startServers } from '@/tests/servers';

let database: ClonedDatabase;
let servers: TestServers;
beforeAll(async () => {
  database = await createTestDatabase();
  servers = await startServers({ database });
});
afterAll(async () => {
  await servers.stop();
  await database.drop();
});

const LAYERS = 2;
const SAMPLES = 3;
const ONSET = 100;
const AROUND = Array.from({ length: 11 }, (_, index) => ONSET - 5 + index);

/** A quiet loss that leaps on the step ONSET and stays up for ten. */
const lossAt = (step: number): number =>
  step >= ONSET && step < ONSET + 10 ? 6 : 2 + 0.01 * Math.sin(step * 1.7);

const gradientAt = (step: number, layer: number, sample: number): number =>
  Math.fround(step + layer / 8 + sample / 64);

interface BodyOptions {
  readonly layerCount?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly others?: readonly TensorToEncode[];
  readonly names?: readonly string[];
}

function samplesOf(steps: readonly number[], options: BodyOptions = {}): Uint8Array<ArrayBuffer> {
  const { layerCount = LAYERS, metadata = {}, others = [] } = options;
  const { names = ['gradient', 'first_moment', 'second_moment'] } = options;
  const shape = [steps.length, layerCount, SAMPLES];
  const data = Float32Array.from(
    steps.flatMap((step) =>
      Array.from({ length: layerCount * SAMPLES }, (_, index) =>
        gradientAt(step, Math.floor(index / SAMPLES), index % SAMPLES),
      ),
    ),
  );
  const step = BigInt64Array.from(steps, BigInt);
  return encodeSafetensors(
    [
      { name: 'step', dtype: 'I64', shape: [steps.length], data: step },
      ...names.map((name) => ({ name: `sample/${name}`, dtype: 'F32', shape, data }) as const),
      ...others,
    ],
    metadata,
  );
}

async function postSamples(
  id: string,
  body: Uint8Array<ArrayBuffer>,
  contentType = SAFETENSORS_MEDIA_TYPE,
): Promise<Pick<ApiResult, 'status' | 'body'>> {
  const response = await servers.api(`/api/v1/runs/${id}/samples`, {
    method: 'POST',
    headers: { 'Content-Type': contentType },
    body,
  });
  return { status: response.status, body: await response.json() };
}

/** In one request, without samples: the loss and a metric of each layer. */
async function train(id: string, fromStep: number, toStep: number): Promise<void> {
  const frames = Array.from({ length: toStep - fromStep + 1 }, (_, index) => {
    const step = fromStep + index;
    return { step, loss: lossAt(step), layers: { gradient_norm: [step, 2] } };
  });
  const { body } = await servers.post(`/api/v1/runs/${id}/frames`, { frames });
  expect(body.accepted).toBe(frames.length);
}

async function sampledSteps(id: string): Promise<number[]> {
  const { body } = await servers.get(`/api/v1/runs/${id}/samples`);
  return body.items.map(({ step }: { step: number }) => step);
}

describe('POST /runs/{id}/samples', () => {
  it('stores the steps around a spike before it answers, and once', async () => {
    await servers.post('/api/v1/runs', aRun('late'));
    await train('late', 0, 130);
    expect(await postSamples('late', samplesOf(AROUND))).toEqual({
      status: 200,
      body: { accepted: 11, duplicates: 0, rejected: [] },
    });
    expect(await sampledSteps('late')).toEqual(AROUND);
    const { body } = await servers.get('/api/v1/runs/late/layers/1/samples?step=97');
    expect(body.gradient).toEqual([0, 1, 2].map((sample) => gradientAt(97, 1, sample)));

    const other = samplesOf(AROUND).map((byte, index, all) => (index > all.length - 8 ? 0 : byte));
    expect((await postSamples('late', other)).body).toEqual({
      accepted: 0,
      duplicates: 11,
      rejected: [],
    });
    const { body: again } = await servers.get('/api/v1/runs/late/layers/1/samples?step=105');
    expect(again.secondMoment).toEqual([0, 1, 2].map((sample) => gradientAt(105, 1, sample)));
  });

  it('changes nothing of what the steps report', async () => {
    const { body } = await servers.get('/api/v1/runs/late/metrics');
    expect(body.layerMetrics).toEqual(['gradient_norm', 'stage']);
    expect(body.histograms).toEqual([]);
  });

  it('says of each step why it is not taken; the others stand', async () => {
    await servers.post('/api/v1/runs', aRun('mixed'));
    await train('mixed', 0, 170);
    const { status, body } = await postSamples('mixed', samplesOf([-1, 40, 98, 107, 171]));
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: 2, duplicates: 0 });
    const codes = body.rejected.map(({ step, code }: { step: number; code: string }) => [
      step,
      code,
    ]);
    expect(codes).toEqual([
      [-1, 'step_negative'],
      [40, 'outside_spikes'],
      [171, 'step_not_stored'],
    ]);
    // 107 is among the newest 64 and no spike's; it is held, not stored.
    expect(await sampledSteps('mixed')).toEqual([98]);
    expect((await postSamples('mixed', samplesOf([98, 107]))).body).toMatchObject({
      accepted: 0,
      duplicates: 2,
    });
  });

  it('holds the newest steps until a spike is found near them', async () => {
    await servers.post('/api/v1/runs', aRun('early'));
    await train('early', 0, 99);
    const posted = await postSamples('early', samplesOf([93, 94, 95, 96, 97, 98, 99]));
    expect(posted.body).toEqual({ accepted: 7, duplicates: 0, rejected: [] });
    expect(await sampledSteps('early')).toEqual([]);
    await train('early', 100, 130);
    await servers.post('/api/v1/runs/early/finish', { status: 'finished' });
    expect(await sampledSteps('early')).toEqual([95, 96, 97, 98, 99]);
  });

  it('takes a shard’s layers by their offset', async () => {
    const shard = { layerCount: 1, metadata: { layer_offset: '1', attempt: '1' } };
    await servers.post('/api/v1/runs', aRun('shards'));
    await train('shards', 0, 120);
    expect((await postSamples('shards', samplesOf([99], shard))).body.accepted).toBe(1);
    const { body } = await servers.get('/api/v1/runs/shards/samples');
    expect(body.items).toEqual([{ step: 99, attempt: 1, layerCount: 1, sampleCount: SAMPLES }]);
  });

  it.each([
    ['layer_count_mismatch', 422, samplesOf([99], { layerCount: 3 })],
    ['layer_offset_out_of_range', 422, samplesOf([99], { metadata: { layer_offset: '1' } })],
    ['attempt_not_found', 404, samplesOf([99], { metadata: { attempt: '2' } })],
    ['invalid_body', 422, samplesOf([99], { names: ['gradient', 'first_moment'] })],
    ['invalid_body', 422, samplesOf([99], { names: [] })],
    [
      'invalid_body',
      422,
      samplesOf([99], {
        others: [{ name: 'loss', dtype: 'F64', shape: [1], data: Float64Array.of(1) }],
      }),
    ],
  ])('answers %s with %i', async (code, status, body) => {
    const reply = await postSamples('late', body);
    expect([reply.status, reply.body.error.code]).toEqual([status, code]);
  });

  it('takes no JSON, no unknown run and no run that has ended', async () => {
    const json = await postSamples('late', samplesOf([99]), 'application/json');
    expect([json.status, json.body.error.code]).toEqual([415, 'unsupported_media_type']);
    const unknown = await postSamples('nobody', samplesOf([99]));
    expect([unknown.status, unknown.body.error.code]).toEqual([404, 'run_not_found']);
    const ended = await postSamples('early', samplesOf([99]));
    expect([ended.status, ended.body.error.code]).toEqual([410, 'run_finished']);
  });

  it('knows the spikes that an earlier worker found', async () => {
    await servers.post('/api/v1/runs', aRun('restarted'));
    await train('restarted', 0, 130);
    // Once it answers, what was found is stored.
    await servers.post('/api/v1/runs/restarted/finish', { status: 'stopped' });
    await servers.stop();
    servers = await startServers({ database });
    await servers.post('/api/v1/runs', { ...aRun('restarted'), resumeFromStep: 131 });
    const body = samplesOf([20, 95], { metadata: { attempt: '1' } });
    const reply = await postSamples('restarted', body);
    expect(reply.body).toMatchObject({ accepted: 1, rejected: [{ step: 20 }] });
    expect(await sampledSteps('restarted')).toEqual([95]);
  });
});
