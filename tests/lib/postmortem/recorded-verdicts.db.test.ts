import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Postmortem, postmortemSchema } from '@/lib/contract/postmortem';
import { importFixture } from '@/tests/import-fixture';
import { type TestServers, startServers } from '@/tests/servers';

let servers: TestServers;
const RUNS = {
  B: 'recorded/B_spontaneous_spike.jsonl.gz',
  C: 'recorded/C_stale_v.jsonl.gz',
  // GPT-2 124M, healthy from its first step to its last.
  healthy: 'real-logs/llmc-gpt2-124M.csv',
  unmitigated: 'recorded/loss_spike_none.jsonl.gz',
  clip: 'recorded/loss_spike_clip.jsonl.gz',
  reset: 'recorded/loss_spike_reset.jsonl.gz',
};

beforeAll(async () => {
  servers = await startServers();
  for (const [id, path] of Object.entries(RUNS)) await importFixture(servers, path, id);
}, 180_000);
afterAll(() => servers.stop());

interface Told {
  readonly id: string;
  readonly kind: string;
  readonly onsetStep: number;
}

async function spikesOf(run: keyof typeof RUNS): Promise<Told[]> {
  return (await servers.get(`/api/v1/runs/${run}/spikes`)).body.items;
}

async function postmortemOf(run: keyof typeof RUNS, spikeId: string): Promise<Postmortem> {
  const { status, body } = await servers.get(`/api/v1/runs/${run}/spikes/${spikeId}/postmortem`);
  expect([status, postmortemSchema.safeParse(body).error]).toEqual([200, undefined]);
  return postmortemSchema.parse(body);
}

const at = (spikes: readonly Told[], kind: string, onsetStep: number): string => {
  // As told, a spike opens where its loss passed a threshold; its best dates may be a step off.
  const found = spikes.find(
    (spike) => spike.kind === kind && Math.abs(spike.onsetStep - onsetStep) <= 2,
  );
  if (found === undefined) throw new Error(`no ${kind} at ${onsetStep}`);
  return found.id;
};
const text = ({ sentences }: Postmortem, kind: string): string =>
  sentences
    .filter((sentence) => sentence.kind === kind)
    .map((sentence) => sentence.text)
    .join(' ');

/** What the sentence's evidence says is stored. */
async function storedValue(
  run: keyof typeof RUNS,
  { metric, layer, step, attempt }: Postmortem['sentences'][number]['evidence'][number],
): Promise<number | null> {
  const range = `fromStep=${step}&toStep=${step}&attempt=${attempt}`;
  const path =
    layer === null
      ? `/timeline?series=${metric}&${range}`
      : `/layers/${layer}/series?metric=${metric}&${range}`;
  const { body } = await servers.get(`/api/v1/runs/${run}${path}`);
  return (layer === null ? body.series[0] : body).points[0]?.max ?? null;
}

describe('run B, whose gradients jump one step before its loss', () => {
  it('has nearly all layers before the spike at 318 and says what finding them is worth', async () => {
    const postmortem = await postmortemOf('B', at(await spikesOf('B'), 'loss_spike', 318));
    expect(postmortem.headline).toMatch(/^\d+ of 69 layers moved one step before the loss$/);
    expect(text(postmortem, 'course')).toBe(
      'The loss rose from 0.00508 to 2.84 between 317 and 319 and was back under its threshold at 338, 20 steps after onset.',
    );
    expect(text(postmortem, 'precursor')).toMatch(
      /^At 317, one step before the loss rose, \d+ of 69 layers left their baseline, .* farthest/,
    );
    expect(text(postmortem, 'precursor')).toMatch(/gradient norm of the whole model .* at 317/);
    expect(text(postmortem, 'chance')).toMatch(/quiet steps/);
    // ε has no part in it: v is stale and the gradient flips its sign.
    expect(postmortem.decision).toMatch(
      /^Nothing to go back for: it was over by itself after 20 steps\. Against the next one: clip/,
    );
    expect(text(postmortem, 'stages')).toMatch(/flipped their sign .*oscillating, not ε/);
    expect(text(postmortem, 'distribution')).toMatch(
      /^At 316, before anything moved, r had one peak .* no evidence/,
    );
    expect(text(postmortem, 'lead_lag')).toMatch(/before 2 of 2 loss spikes/);
    const offered = postmortem.remedies
      .filter(({ standing }) => standing === 'offered')
      .map(({ key }) => key);
    expect(offered).toEqual(expect.arrayContaining(['wait', 'clip']));
    expect(offered).not.toContain('epsilon');
    expect(postmortem.movers.every(({ leadSteps }) => leadSteps <= 1)).toBe(true);
    expect(postmortem.onsetAt).toMatch(/^20\d\d-/);
  });

  it('moves from the embedding on before the spike at 552', async () => {
    const postmortem = await postmortemOf('B', at(await spikesOf('B'), 'loss_spike', 552));
    expect(postmortem.place).toEqual({ index: 2, count: 2 });
    const large = postmortem.movers.filter(
      ({ leadSteps, parameterCount }) => leadSteps === 1 && parameterCount >= 1000,
    );
    const places = new Set(large.map(({ name }) => name.split('.').slice(0, 2).join('.')));
    expect(places).toEqual(new Set(['wte', 'wpe', 'h.0', 'h.1', 'h.2', 'h.3']));
  });

  it('has evidence that is stored, number for number', async () => {
    const postmortem = await postmortemOf('B', at(await spikesOf('B'), 'loss_spike', 318));
    const evidence = postmortem.sentences
      .flatMap((sentence) => sentence.evidence)
      .filter(({ metric }) =>
        ['loss', 'rms', 'gradient_rms', 'gradient_norm', 'ratio_dip', 'learning_rate'].includes(
          metric,
        ),
      );
    expect(evidence.length).toBeGreaterThan(15);
    for (const entry of evidence)
      expect(await storedValue('B', entry), entry.metric).toBe(entry.value);
  });
});

describe('run C, whose gradients rise with its loss', () => {
  it('has one bad batch at 150, to be skipped and nothing else', async () => {
    const postmortem = await postmortemOf('C', at(await spikesOf('C'), 'outlier_batch', 150));
    expect(postmortem.headline).toBe('One bad batch at 150, no instability');
    expect(postmortem.skip).toMatchObject({ fromStep: 150, toStep: 150, batchIds: [150] });
    expect(postmortem.rewind).toBeNull();
    expect(postmortem.decision).toMatch(/leave out the batch of step 150 \(data_index 150\)\.$/);
  });

  it('has no precursor to any loss spike, and says so', async () => {
    const spikes = (await spikesOf('C')).filter(({ kind }) => kind === 'loss_spike');
    expect(spikes.length).toBeGreaterThanOrEqual(3);
    for (const { id, onsetStep } of spikes) {
      const postmortem = await postmortemOf('C', id);
      expect(postmortem.headline).toBe(
        `No precursor: nothing moved before the loss rose at ${onsetStep}`,
      );
      expect(text(postmortem, 'precursor')).toMatch(/^No precursor found/);
      expect(text(postmortem, 'chance')).toMatch(/by chance before 11\u202f% of quiet steps/);
      const lower = postmortem.remedies.find(({ key }) => key === 'beta2');
      expect(lower).toMatchObject({ standing: 'offered' });
      expect(lower!.reason).toMatch(/From 0\.999 to 0\.95 caps RMS at 4\.47 instead of 31\.6/);
    }
  });
});

describe('the runs of the loss spike example, whose gradients sink below ε', () => {
  it('have one loss spike each, with layers that moved before it', async () => {
    for (const [run, onset, lead] of [
      ['unmitigated', 277, 'one step'],
      ['clip', 205, '3 steps'],
      ['reset', 277, 'one step'],
    ] as const) {
      const spikes = (await spikesOf(run)).filter(({ kind }) => kind === 'loss_spike');
      expect(spikes, run).toHaveLength(1);
      const postmortem = await postmortemOf(run, at(spikes, 'loss_spike', onset));
      expect(postmortem.spike.verdict, run).toBe('precursor_found');
      expect(postmortem.headline, run).toMatch(
        new RegExp(`^\\d+ of 35 layers moved ${lead} before the loss$`),
      );
    }
  });

  it('would have been helped by clipping updates and by a smaller ε', async () => {
    const spikes = await spikesOf('unmitigated');
    const { remedies } = await postmortemOf('unmitigated', at(spikes, 'loss_spike', 277));
    const offered = remedies.filter(({ standing }) => standing === 'offered');
    expect(offered.map(({ key }) => key)).toEqual(['wait', 'clip', 'epsilon']);
  });
});

it('finds nothing but single bad batches in a healthy run, none announced by anything', async () => {
  const spikes = await spikesOf('healthy');
  expect(new Set(spikes.map(({ kind }) => kind))).toEqual(new Set(['outlier_batch']));
  for (const { id, onsetStep } of spikes.slice(0, 5)) {
    const postmortem = await postmortemOf('healthy', id);
    expect(postmortem.headline).toMatch(/^One bad batch at/);
    expect(postmortem.spike.onsetStep).toBe(onsetStep);
    expect(text(postmortem, 'precursor')).toMatch(/^No precursor found/);
    expect(postmortem.movers).toEqual([]);
  }
});

it('has no postmortem of what is not there', async () => {
  expect((await servers.get('/api/v1/runs/B/spikes/none/postmortem')).body.error.code).toBe(
    'spike_not_found',
  );
  expect((await servers.get('/api/v1/runs/none/spikes/none/postmortem')).body.error.code).toBe(
    'run_not_found',
  );
});
