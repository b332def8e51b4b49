import { beforeAll, describe, expect, it } from 'vitest';
import { stageSearchReplySchema, stageSearchSchema } from '@/lib/contract/stage-search';
import { readStageSearch } from '@/lib/query/read-stage-search';
import { useDatabase } from '@/tests/database';
import { someRuns, storeSearchedRuns, type SearchedRun } from './searched-runs';

const database = useDatabase();
const runs = someRuns(11);

beforeAll(() => storeSearchedRuns(database.db, runs));

const search = async (query: Record<string, string> = {}) =>
  stageSearchReplySchema.parse(
    await readStageSearch(database.db, stageSearchSchema.parse({ limit: '1000', ...query })),
  );

/** Every interval by itself, and what they come to by a key and stage. */
function tell(
  asked: readonly SearchedRun[],
  stages: readonly string[],
  keyOf: (layer: SearchedRun['layers'][number]) => string | null,
) {
  const intervals = asked.flatMap((run) =>
    run.attempts.flatMap(({ stages: stood, lastStep }) =>
      stood
        .filter(({ stage }) => stages.includes(stage))
        .map(({ layer, stage, fromStep, toStep }) => ({
          ...{ run: run.id, layer, stage, key: keyOf(run.layers[layer]!) },
          steps: (toStep ?? lastStep) - fromStep + 1,
        })),
    ),
  );
  const groups = new Map<string, typeof intervals>();
  for (const interval of intervals) {
    const name = `${interval.key ?? '–'} ${interval.stage}`;
    groups.set(name, [...(groups.get(name) ?? []), interval]);
  }
  return groups;
}

describe('stages of all runs', () => {
  it.each([
    { query: {}, asked: runs },
    { query: { project: 'beta' }, asked: runs.filter(({ project }) => project === 'beta') },
    {
      query: { stage: 'healthy,armed', groupBy: 'layer_kind' },
      asked: runs,
    },
  ])('are counted over runs, layers and steps: $query', async ({ query, asked }) => {
    const isByKind = query.groupBy === 'layer_kind';
    const stages = query.stage?.split(',') ?? ['armed', 'trigger', 'explosion', 'diverged'];
    const told = tell(asked, stages, ({ name, kind }) => (isByKind ? (kind ?? null) : name));
    const reply = await search(query);
    expect(reply.runCount).toBe(asked.length);
    expect(reply.total).toBe(told.size);
    expect(reply.items.map(({ key, stage }) => `${key ?? '–'} ${stage}`).sort()).toEqual(
      [...told.keys()].sort(),
    );
    for (const item of reply.items) {
      const intervals = told.get(`${item.key ?? '–'} ${item.stage}`)!;
      expect(item).toMatchObject({
        runCount: new Set(intervals.map(({ run }) => run)).size,
        ofRunCount: asked.length,
        layerCount: new Set(intervals.map(({ run, layer }) => `${run} ${layer}`)).size,
        intervalCount: intervals.length,
        steps: intervals.reduce((sum, { steps }) => sum + steps, 0),
        longestSteps: Math.max(...intervals.map(({ steps }) => steps)),
      });
      const { fromStep, toStep } = item.longest;
      expect(toStep - fromStep + 1).toBe(item.longestSteps);
    }
  });

  it('are of layers by their name', async () => {
    const { items } = await search({ layer: '/mlp/', stage: 'healthy' });
    expect(items.map(({ key }) => key)).toEqual(['transformer.h.0.mlp.weight']);
    await expect(search({ layer: '/*/' })).rejects.toMatchObject({ details: [{ path: 'layer' }] });
  });

  it('come in pages, the most runs first', async () => {
    const whole = await search({ stage: 'healthy,armed,trigger,explosion' });
    const seen: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await search({
        ...{ stage: 'healthy,armed,trigger,explosion', limit: '2' },
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(whole.items);
    const counts = whole.items.map(({ runCount }) => runCount);
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
  });
});
