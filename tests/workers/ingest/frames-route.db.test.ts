import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeFrames } from '@/lib/contract/encode-frames';
import type { Frame } from '@/lib/contract/frame';
import { SAFETENSORS_MEDIA_TYPE, decodeHeatmapColumns } from '@/lib/contract/heatmap-columns';
import { type ApiResult, type TestServers, aRun, startServers } from '@/tests/servers';

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers({ bodyTimeoutMs: 500 });
});
afterAll(() => servers.stop());

function aFrame(step: number, overrides: Partial<Frame> = {}): Frame {
  return {
    step,
    wallTime: null,
    scalars: new Map([['loss', 1 / (step + 1)]]),
    layerCount: 2,
    layerMetrics: new Map([['gradient_norm', Float32Array.of(step, step + 0.5)]]),
    histograms: new Map(),
    samples: null,
    ...overrides,
  };
}

async function postBinary(
  id: string,
  body: Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<ApiResult> {
  const response = await servers.api(`/api/v1/runs/${id}/frames`, {
    method: 'POST',
    headers: { 'Content-Type': SAFETENSORS_MEDIA_TYPE, ...headers },
    body,
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

const frames = (id: string) => `/api/v1/runs/${id}/frames`;

describe('POST /frames', () => {
  it('stores a step once: a retry is a duplicate, other content a conflict', async () => {
    await servers.post('/api/v1/runs', aRun('once'));
    const body = encodeFrames([aFrame(0), aFrame(1)]);
    expect((await postBinary('once', body)).body).toEqual({
      accepted: 2,
      duplicates: 0,
      rejected: [],
      events: [],
    });
    expect((await postBinary('once', body)).body).toMatchObject({ accepted: 0, duplicates: 2 });
    const laterClock = encodeFrames([aFrame(0, { wallTime: 99 }), aFrame(1, { wallTime: 99 })]);
    expect((await postBinary('once', laterClock)).body).toMatchObject({
      duplicates: 2,
      rejected: [],
    });
    const other = encodeFrames([aFrame(1, { scalars: new Map([['loss', 7]]) }), aFrame(2)]);
    expect((await postBinary('once', other)).body).toMatchObject({
      accepted: 1,
      rejected: [{ step: 1, code: 'step_conflict' }],
    });
    const metrics = await (await fetch(`${servers.ingestUrl}/metrics`)).text();
    expect(metrics).toContain('spikescope_ingest_rejected_steps_total{code="step_conflict"} 1\n');
  });

  it('takes of shards that hold the same layer the first', async () => {
    await servers.post('/api/v1/runs', aRun('overlap'));
    const post = (layerOffset: number, rms: number[]) =>
      servers.post('/api/v1/runs/overlap/frames', {
        layerOffset,
        frames: [{ step: 1, layers: { rms } }],
      });
    expect((await post(1, [5])).body).toMatchObject({ accepted: 1, rejected: [] });
    const { status, body } = await post(0, [7, 8]);
    expect([status, body.accepted, body.duplicates]).toEqual([200, 0, 0]);
    expect(body.rejected).toMatchObject([{ step: 1, code: 'layers_overlap' }]);
    expect(body.rejected[0].message).toContain('layers from 0 to 1');
    expect((await post(0, [7])).body).toMatchObject({ accepted: 1 });
    const heatmap = await servers.get('/api/v1/runs/overlap/heatmap?metric=rms');
    expect(heatmap.body.values).toEqual([[7], [5]]);
  });

  it('takes JSON and gzip as it takes safetensors', async () => {
    await servers.post('/api/v1/runs', aRun('forms'));
    const packed = new Uint8Array(gzipSync(encodeFrames([aFrame(0)])));
    expect((await postBinary('forms', packed, { 'Content-Encoding': 'gzip' })).body.accepted).toBe(
      1,
    );
    const json = await servers.post(frames('forms'), {
      frames: [{ step: 1, loss: 0.5, layers: { gradient_norm: [1, 1.5] } }],
    });
    expect(json.body.accepted).toBe(1);
    // The same step in the other form has the same content.
    expect(
      (await postBinary('forms', encodeFrames([aFrame(1, { scalars: new Map([['loss', 0.5]]) })])))
        .body.duplicates,
    ).toBe(1);
  });

  it('joins shards by their layer offset, the first shard’s scalars standing', async () => {
    await servers.post('/api/v1/runs', aRun('shards', 4));
    for (const [layerOffset, loss] of [
      [2, 5],
      [0, 6],
    ] as const) {
      const frame = aFrame(0, {
        scalars: new Map([['loss', loss]]),
        layerMetrics: new Map([['rms', Float32Array.of(layerOffset, layerOffset + 1)]]),
      });
      expect(
        (await postBinary('shards', encodeFrames([frame], { layerOffset }))).body.accepted,
      ).toBe(1);
    }
    const heatmap = await servers.get('/api/v1/runs/shards/heatmap?metric=rms');
    expect(heatmap.body.values).toEqual([[0], [1], [2], [3]]);
    expect(heatmap.body.loss).toEqual([5]);
  });

  it('keeps NaN, infinities and what was not reported apart', async () => {
    await servers.post('/api/v1/runs', aRun('nan', 4));
    await servers.post(frames('nan'), {
      frames: [
        { step: 0, loss: 'NaN', layers: { rms: ['NaN', 'Infinity', null, 2] } },
        { step: 1, layers: { rms: [1, 1, 1, 1] } },
      ],
    });
    const json = await servers.get('/api/v1/runs/nan/heatmap?metric=rms');
    expect(json.body.values).toEqual([
      [null, 1],
      [null, 1],
      [null, 1],
      [2, 1],
    ]);
    expect(json.body.nonFiniteCount).toEqual([
      [1, 0],
      [1, 0],
      [0, 0],
      [0, 0],
    ]);
    const timeline = await servers.get('/api/v1/runs/nan/timeline?series=loss');
    expect(timeline.body.series[0].points).toEqual([
      { fromStep: 0, toStep: 0, min: null, max: null, mean: null, nonFiniteCount: 1 },
      // Step 1 was reported without a loss: a gap, told apart by its count.
      { fromStep: 1, toStep: 1, min: null, max: null, mean: null, nonFiniteCount: 0 },
    ]);
    const binary = await servers.api('/api/v1/runs/nan/heatmap?metric=rms', {
      headers: { Accept: SAFETENSORS_MEDIA_TYPE },
    });
    const columns = decodeHeatmapColumns(new Uint8Array(await binary.arrayBuffer()));
    expect(Array.from(columns.nonFinite)).toEqual([1, 0, 1, 0, 0, 0, 0, 0]);
    expect(Array.from(columns.values)).toEqual([NaN, 1, NaN, 1, NaN, 1, 2, 1]);
  });

  it('returns posted histograms verbatim and derives their moments', async () => {
    await servers.post('/api/v1/runs', aRun('histogram', 1));
    const histogram = { edges: [-1, -0.5, 0.5, 1], counts: [[3, 4, 5]], outside: [[1, 2, 9, 1]] };
    const reply = await servers.post(frames('histogram'), {
      frames: [{ step: 8, histograms: { update: histogram } }],
    });
    expect(reply.body.accepted).toBe(1);
    const { body } = await servers.get('/api/v1/runs/histogram/layers/0/distributions?step=10');
    expect(body.items[0].step).toBe(8);
    expect(body.items[0].distributions).toEqual([
      {
        kind: 'update',
        edges: histogram.edges,
        counts: histogram.counts[0],
        underflow: 1,
        overflow: 2,
        zeros: 9,
        nonFinite: 1,
      },
    ]);
    expect(body.items[0].statistics.update_std).toBeGreaterThan(0);
    expect(body.referenceCurves.healthyStd).toBeCloseTo(Math.sqrt(0.1 / 1.9), 12);
  });

  it('computes metrics and histograms from raw samples, the cosine from the step before', async () => {
    await servers.post('/api/v1/runs', aRun('samples', 2));
    const sample = (scale: number) => ({
      sampleCount: 4,
      gradient: Float32Array.of(3 * scale, 4 * scale, 0, 0, 1, 1, 1, 1),
      firstMoment: new Float32Array(8).fill(0.1),
      secondMoment: new Float32Array(8).fill(0.04),
    });
    for (const [step, scale] of [
      [5, 1],
      [6, -1],
      [9, 1],
    ] as const) {
      const frame = aFrame(step, { layerMetrics: new Map(), samples: sample(scale) });
      expect((await postBinary('samples', encodeFrames([frame]))).body.accepted).toBe(1);
    }
    const series = async (metric: string) => {
      const { body } = await servers.get(`/api/v1/runs/samples/layers/0/series?metric=${metric}`);
      return body.points.map((point: { fromStep: number; max: number }) => [
        point.fromStep,
        point.max,
      ]);
    };
    // RMS of the sample √(25/4) times √100 parameters.
    expect(await series('gradient_norm')).toEqual([
      [5, 25],
      [6, 25],
      [9, 25],
    ]);
    // Only step 6 has the step before it at hand.
    expect(await series('gradient_cosine')).toEqual([
      [5, null],
      [6, -1],
      [9, null],
    ]);
    const { body } = await servers.get('/api/v1/runs/samples/layers/0/distributions?step=6');
    expect(body.items[0].distributions.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
      'ratio',
      'update',
    ]);
  });

  it('says what computes statistics', async () => {
    await servers.statistics.ready;
    const metrics = await (await fetch(`${servers.ingestUrl}/metrics`)).text();
    expect(metrics).toContain('spikescope_ingest_statistics_backend_info{backend="cpu"} 1');
    expect(metrics).toContain('spikescope_ingest_statistics_shapes_backend_info{backend="cpu"} 1');
    expect(metrics).toContain('spikescope_ingest_statistics_fallbacks_total 0');
  });

  it('knows a retry of raw samples again, whatever it had computed of them', async () => {
    await servers.post('/api/v1/runs', aRun('retry', 1));
    const frame = (step: number) =>
      aFrame(step, {
        layerCount: 1,
        layerMetrics: new Map(),
        samples: {
          sampleCount: 2,
          gradient: Float32Array.of(1, step),
          firstMoment: Float32Array.of(1, 1),
          secondMoment: Float32Array.of(1, 1),
        },
      });
    const second = encodeFrames([frame(2)]);
    // First with the step before at hand, then without: only the first has a cosine.
    await postBinary('retry', encodeFrames([frame(1)]));
    expect((await postBinary('retry', second)).body.accepted).toBe(1);
    expect((await postBinary('retry', second)).body).toMatchObject({ duplicates: 1, rejected: [] });
  });

  it.each<[string, unknown, number, string]>([
    [
      'a wrong number of layers',
      { frames: [{ step: 0, layers: { rms: [1] } }] },
      422,
      'layer_count_mismatch',
    ],
    [
      'a shard that reaches too far',
      { layerOffset: 1, frames: [{ step: 0, layers: { rms: [1, 2] } }] },
      422,
      'layer_offset_out_of_range',
    ],
    ['an unknown attempt', { attempt: 9, frames: [{ step: 0 }] }, 404, 'attempt_not_found'],
    ['no frames', {}, 422, 'invalid_body'],
  ])('refuses %s', async (_title, body, status, code) => {
    await servers.post('/api/v1/runs', aRun('refuse'));
    const reply = await servers.post(frames('refuse'), body);
    expect([reply.status, reply.body.error?.code]).toEqual([status, code]);
  });

  it('refuses unknown runs, media types and methods', async () => {
    await servers.post('/api/v1/runs', aRun('kinds'));
    expect((await servers.post(frames('nowhere'), { frames: [] })).body.error.code).toBe(
      'run_not_found',
    );
    const text = await servers.post(
      frames('kinds'),
      { frames: [] },
      { 'Content-Type': 'text/plain' },
    );
    expect([text.status, text.body.error.code]).toEqual([415, 'unsupported_media_type']);
    const got = await servers.get(frames('kinds'));
    expect([got.status, got.body.error.code]).toEqual([405, 'method_not_allowed']);
    const nothing = await servers.get('/api/v1/nothing');
    expect([nothing.status, nothing.body.error.code]).toEqual([404, 'not_found']);
  });

  it('stops a gzip bomb and a body over 32 MiB with 413', async () => {
    await servers.post('/api/v1/runs', aRun('bomb'));
    const bomb = new Uint8Array(gzipSync(new Uint8Array(40 * 1024 * 1024)));
    const packed = await postBinary('bomb', bomb, { 'Content-Encoding': 'gzip' });
    expect([packed.status, packed.body.error.code]).toEqual([413, 'body_too_large']);
    const plain = await postBinary('bomb', new Uint8Array(33 * 1024 * 1024));
    expect([plain.status, plain.body.error.code]).toEqual([413, 'body_too_large']);
  });

  it('answers a body that stalls with 408 and serves the next request', async () => {
    await servers.post('/api/v1/runs', aRun('slow'));
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(
        `${servers.url}${frames('slow')}`,
        {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'Content-Length': '100' },
        },
        (response) => {
          resolve(response.statusCode);
          request.destroy();
        },
      );
      request.on('error', reject);
      request.write('{');
    });
    expect(status).toBe(408);
    expect(
      (await servers.post(frames('slow'), { frames: [{ step: 0, loss: 1 }] })).body.accepted,
    ).toBe(1);
  });

  it('refuses more metrics than a run may name, and goes on', async () => {
    await servers.post('/api/v1/runs', aRun('many', 1));
    const layers = Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`m${i}`, [1]]));
    const reply = await servers.post(frames('many'), { frames: [{ step: 0, layers }] });
    expect([reply.status, reply.body.error?.code]).toEqual([422, 'too_many_metrics']);
    expect(
      (await servers.post(frames('many'), { frames: [{ step: 0, loss: 1 }] })).body.accepted,
    ).toBe(1);
  });

  it('acknowledges many posts at once, each for itself', async () => {
    await servers.post('/api/v1/runs', aRun('crowd'));
    const replies = await Promise.all(
      Array.from({ length: 60 }, (_, step) =>
        postBinary('crowd', encodeFrames([aFrame(step % 50)])),
      ),
    );
    const sum = (key: 'accepted' | 'duplicates') =>
      replies.reduce((total, { body }) => total + Number(body[key]), 0);
    expect([sum('accepted'), sum('duplicates')]).toEqual([50, 10]);
    const { body } = await servers.get('/api/v1/runs/crowd');
    expect([body.firstStep, body.lastStep, body.nextStep]).toEqual([0, 49, 50]);
  });
});
