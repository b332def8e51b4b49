import { beforeAll, describe, expect, it } from 'vitest';
import { spikeSearchReplySchema, spikeSearchSchema } from '@/lib/contract/spike-search';
import { readSpikeSearch } from '@/lib/query/read-spike-search';
import { useDatabase } from '@/tests/database';
import {
  type SearchedAttempt,
  type SearchedRun,
  endingOf,
  sizeOf,
  someRuns,
  storeSearchedRuns,
  tellCounts,
  tellSpikes,
  wallTimeOf,
} from './searched-runs';

const database = useDatabase();
const runs = someRuns(7);

beforeAll(() => storeSearchedRuns(database.db, runs));

const search = async (query: Record<string, string> = {}) =>
  spikeSearchReplySchema.parse(
    await readSpikeSearch(database.db, spikeSearchSchema.parse({ limit: '1000', ...query })),
  );

type Asked = (run: SearchedRun, attempt: SearchedAttempt) => boolean;
const everyAttempt: Asked = () => true;

/** What a question says, and the same in JavaScript. */
const QUESTIONS: readonly {
  readonly query: Record<string, string>;
  readonly isAsked?: Asked;
  readonly isLayer?: (name: string) => boolean;
}[] = [
  { query: {} },
  { query: { kind: 'outlier_batch,loss_spike' } },
  { query: { project: 'alpha' }, isAsked: ({ project }) => project === 'alpha' },
  { query: { q: '/^run-0[0-4]$/' }, isAsked: ({ id }) => /^run-0[0-4]$/.test(id) },
  { query: { recovery: 'open' } },
  { query: { recovery: 'never_recovered' } },
  { query: { recovery: 'partial,open,never_recovered' } },
  { query: { verdict: 'no_precursor' } },
  { query: { minLead: '5' } },
  { query: { layer: 'wte' }, isLayer: (name) => name.includes('wte') },
  { query: { layer: 'WTE', minLead: '5' }, isLayer: (name) => name.includes('wte') },
  {
    query: { layer: '/^lm_head|mlp/', minLead: '3' },
    isLayer: (name) => /^lm_head|mlp/.test(name),
  },
  { query: { stage: 'armed,explosion' } },
  {
    query: { config: 'optimizer.beta2<0.99' },
    isAsked: (_, { optimizer }) => optimizer.beta2! < 0.99,
  },
  {
    query: { config: 'optimizer.beta2>=0.990,optimizer.name=adam' },
    isAsked: (_, { optimizer }) => optimizer.beta2! >= 0.99 && optimizer.name === 'adam',
  },
  {
    query: { config: 'optimizer.epsilon=0.00001' },
    isAsked: (_, { optimizer }) => optimizer.epsilon === 1e-5,
  },
  {
    query: { config: 'optimizer.epsilon!=1e-5' },
    isAsked: (_, { optimizer }) => optimizer.epsilon === 1e-8,
  },
  { query: { config: 'dataset=c4' }, isAsked: ({ config }) => config['dataset'] === 'c4' },
  { query: { config: 'flat.key>0' }, isAsked: ({ config }) => Number(config['flat.key']) > 0 },
  {
    query: { config: 'config.schedule.warmup<=100' },
    isAsked: ({ config }) => Number(Object(config['schedule']).warmup) <= 100,
  },
  { query: { config: 'parameters>=18000' }, isAsked: (run) => sizeOf(run) >= 18_000 },
  { query: { config: 'nowhere=1' }, isAsked: () => false },
];

describe('spikes of all runs', () => {
  it('are more than a handful, of which some have no mover and some a second look', () => {
    const spikes = runs.flatMap(({ attempts }) => attempts.flatMap((one) => one.spikes));
    expect(spikes.length).toBeGreaterThan(30);
    expect(spikes.some(({ firstMovers }) => firstMovers.length === 0)).toBe(true);
    expect(spikes.some(({ reevaluation }) => reevaluation?.standsOut === true)).toBe(true);
    const endings = runs.flatMap((run) =>
      run.attempts.flatMap((attempt) => attempt.spikes.map((spike) => endingOf(run, spike))),
    );
    expect(new Set(endings)).toContain('open');
    expect(new Set(endings)).toContain('never_recovered');
  });

  it.each(QUESTIONS)(
    'are those that are asked for: $query',
    async ({ query, isAsked, isLayer }) => {
      const parsed = spikeSearchSchema.parse(query);
      const told = tellSpikes(runs, parsed, isAsked ?? everyAttempt, isLayer ?? null);
      const reply = await search(query);
      expect(reply.items.map(({ run, id }) => `${run.id} ${id}`)).toEqual(
        told.found.map(({ run, spike }) => `${run.id} ${spike.id}`),
      );
      const { spikesPer10kSteps, ...counts } = tellCounts(told.asked, told.found);
      expect(reply.total).toMatchObject(counts);
      if (spikesPer10kSteps === null) expect(reply.total.spikesPer10kSteps).toBeNull();
      else expect(reply.total.spikesPer10kSteps).toBeCloseTo(spikesPer10kSteps, 9);
    },
  );

  it('are told by their best dates, with what moved first and the page about them', async () => {
    const { found } = tellSpikes(runs, spikeSearchSchema.parse({}), everyAttempt, null);
    const { items } = await search();
    found.forEach(({ run, attempt, spike, lead, moverName, lostSteps }, at) => {
      expect(items[at]).toMatchObject({
        run: { id: run.id, project: run.project },
        optimizer: attempt.optimizer,
        parameters: sizeOf(run),
        ...{ onsetStep: spike.onsetStep, riseStep: spike.riseStep, peakStep: spike.peakStep },
        ...{ peakValue: spike.peakValue, recovery: spike.recovery, verdict: spike.verdict },
        ...{ recoveredStep: spike.recoveredStep, lostSteps },
        hasEnded: run.status === 'finished' || attempt.attempt < run.attempts.length,
        at: new Date(
          wallTimeOf(attempt.spikes.find(({ id }) => id === spike.id)!.onsetStep) * 1000,
        ).toISOString(),
        postmortem: `/runs/${run.id}/spikes/${spike.id}`,
      });
      expect(items[at]!.mover?.leadSteps ?? null).toBe(lead);
      expect(items[at]!.mover?.name ?? null).toBe(moverName);
    });
  });

  it.each(['newest', 'lead', 'lost'])(
    'come in pages that hold each of them once, by %s',
    async (sort) => {
      const whole = await search({ sort });
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await search({
          sort,
          limit: '7',
          ...(cursor === undefined ? {} : { cursor }),
        });
        expect(page.total).toEqual(whole.total);
        seen.push(...page.items.map(({ run, id }) => `${run.id} ${id}`));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(seen).toEqual(whole.items.map(({ run, id }) => `${run.id} ${id}`));
      expect(new Set(seen).size).toBe(whole.total.spikeCount);
      const places = whole.items.map(({ mover, lostSteps }) =>
        sort === 'lead' ? (mover?.leadSteps ?? -1) : sort === 'lost' ? lostSteps : 0,
      );
      expect(places).toEqual(places.toSorted((a, b) => b - a));
    },
  );

  it('of a stretch of time are those whose onset was in it, and have no rate', async () => {
    const from = wallTimeOf(300);
    const to = wallTimeOf(700);
    const inTime = runs
      .flatMap(({ id, attempts }) =>
        attempts.flatMap(({ spikes }) => spikes.map((s) => ({ id, s }))),
      )
      .filter(({ s }) => s.kind === 'loss_spike')
      .filter(({ s }) => wallTimeOf(s.onsetStep) >= from && wallTimeOf(s.onsetStep) < to);
    const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
    const reply = await search({ kind: 'loss_spike', from: iso(from), to: iso(to) });
    expect(reply.items.map(({ run, id }) => `${run.id} ${id}`).sort()).toEqual(
      inTime.map(({ id, s }) => `${id} ${s.id}`).sort(),
    );
    expect(inTime.length).toBeGreaterThan(2);
    expect(reply.total).toMatchObject({ steps: null, spikesPer10kSteps: null });
  });
});

describe('groups of spikes', () => {
  const GROUPS: readonly {
    readonly groupBy: string;
    readonly sizes?: string;
    readonly keyOf: (run: SearchedRun, attempt: SearchedAttempt) => string | null;
  }[] = [
    { groupBy: 'beta2', keyOf: (_, { optimizer }) => String(optimizer.beta2) },
    {
      groupBy: 'epsilon',
      keyOf: (_, { optimizer: { epsilon } }) =>
        epsilon === undefined ? null : epsilon === 1e-8 ? '0.00000001' : '0.00001',
    },
    { groupBy: 'project', keyOf: ({ project }) => project },
    { groupBy: 'optimizer', keyOf: (_, { optimizer }) => optimizer.name },
    { groupBy: 'config.dataset', keyOf: ({ config }) => config['dataset'] as string },
    {
      groupBy: 'config.schedule.warmup',
      keyOf: ({ config }) => String(Object(config['schedule']).warmup),
    },
    { groupBy: 'config.nothing', keyOf: () => null },
    { groupBy: 'model_size', keyOf: (run) => String(10 ** (String(sizeOf(run)).length - 1)) },
    {
      groupBy: 'model_size',
      sizes: '200,6000,18000',
      keyOf: (run) => String([18000, 6000, 200].find((edge) => sizeOf(run) >= edge) ?? 0),
    },
  ];

  it.each(GROUPS)('of what is known of attempts: $groupBy $sizes', async (group) => {
    const { groupBy, sizes, keyOf } = group;
    const reply = await search({ groupBy, ...(sizes === undefined ? {} : { sizes }) });
    const told = tellSpikes(runs, spikeSearchSchema.parse({}), everyAttempt, null);
    const keys = new Set(told.asked.map(([run, attempt]) => keyOf(run, attempt)));
    expect(new Set(reply.groups!.map(({ key }) => key))).toEqual(keys);
    expect(reply.groupCount).toBe(keys.size);
    for (const { key, below, spikesPer10kSteps, ...counts } of reply.groups!) {
      const { spikesPer10kSteps: rate, ...expected } = tellCounts(
        told.asked.filter(([run, attempt]) => keyOf(run, attempt) === key),
        told.found.filter(({ run, attempt }) => keyOf(run, attempt) === key),
      );
      expect(counts).toEqual(expected);
      expect(spikesPer10kSteps).toBeCloseTo(rate!, 9);
      if (groupBy === 'model_size' && sizes === undefined) expect(below).toBe(Number(key) * 10);
    }
  });

  it('of what is known of a spike are over the steps of all attempts', async () => {
    const told = tellSpikes(runs, spikeSearchSchema.parse({}), everyAttempt, null);
    const { groups, total } = await search({ groupBy: 'mover_layer' });
    expect(new Set(groups!.map(({ key }) => key))).toEqual(
      new Set(told.found.map(({ moverName }) => moverName)),
    );
    for (const { key, spikeCount, steps, runCount } of groups!) {
      expect(spikeCount).toBe(told.found.filter(({ moverName }) => moverName === key).length);
      expect({ steps, runCount }).toEqual({ steps: total.steps, runCount: total.runCount });
    }
    const kinds = await search({ groupBy: 'mover_kind' });
    expect(kinds.groups!.map(({ key }) => key)).toContain('embedding');
  });

  it('by recovery tell what is open from what never recovered, as the filter does', async () => {
    const { groups, total } = await search({ groupBy: 'recovery' });
    const keys = groups!.map(({ key }) => key!);
    expect(keys).toContain('open');
    expect(keys).toContain('never_recovered');
    for (const { key, spikeCount } of groups!) {
      expect((await search({ recovery: key! })).total.spikeCount).toBe(spikeCount);
    }
    expect(groups!.reduce((sum, { spikeCount }) => sum + spikeCount, 0)).toBe(total.spikeCount);
  });

  it('are by edges of size that a group says', async () => {
    const { groups } = await search({ groupBy: 'model_size', sizes: '200,18000' });
    expect(groups!.map(({ key, below }) => [key, below])).toEqual(
      [
        ['0', 200],
        ['200', 18000],
        ['18000', null],
      ].filter(([key]) =>
        runs.some(
          (run) => (sizeOf(run) >= 18000 ? '18000' : sizeOf(run) >= 200 ? '200' : '0') === key,
        ),
      ),
    );
  });
});

describe('a question that is none', () => {
  it.each([
    ['q', '/(/'],
    ['layer', '/[/'],
    ['stageLayer', '/a{2,1}/'],
  ])('names the field of a bad regex: %s', async (field, text) => {
    await expect(search({ [field]: text, stage: 'armed' })).rejects.toMatchObject({
      code: 'invalid_query',
      details: [{ path: field }],
    });
  });

  it.each(['nonsense', Buffer.from('[1]').toString('base64url')])(
    'is not gone on with from %s',
    async (cursor) => {
      await expect(search({ cursor })).rejects.toMatchObject({ code: 'invalid_query' });
    },
  );

  it('goes on in its own order alone', async () => {
    const { nextCursor } = await search({ limit: '1', sort: 'lead' });
    await expect(search({ cursor: nextCursor! })).rejects.toMatchObject({
      details: [{ path: 'cursor' }],
    });
  });

  it('asks for no layer where the name is blank', async () => {
    expect(await search({ layer: ' ', stageLayer: '', q: ' ' })).toEqual(await search());
  });

  it('takes what somebody typed for text, whatever it holds', async () => {
    const before = await search();
    for (const text of [`'; DROP TABLE spike; --`, `$1`, `%`, `\\`, `"]}`]) {
      expect((await search({ config: `optimizer.name=${text}` })).total.spikeCount).toBe(0);
      expect((await search({ config: `${text.replaceAll('=', '')}x=1` })).total.attemptCount).toBe(
        0,
      );
      expect((await search({ layer: `a${text}` })).items).toEqual([]);
      await search({ groupBy: `config.${text}` });
    }
    expect(await search()).toEqual(before);
  });
});
