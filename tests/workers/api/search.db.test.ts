import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recurringBatchesReplySchema } from '@/lib/contract/recurring-batches';
import { spikeSearchReplySchema } from '@/lib/contract/spike-search';
import { stageSearchReplySchema } from '@/lib/contract/stage-search';
import { createToken } from '@/lib/store/tokens';
import { someRuns, storeSearchedRuns } from '@/tests/lib/query/searched-runs';
import { type TestServers, startServers } from '@/tests/servers';

let servers: TestServers;
let ofAlpha: Record<string, string>;
const runs = someRuns(5);

beforeAll(async () => {
  servers = await startServers({ requireTokens: true });
  await storeSearchedRuns(servers.db, runs);
  const { plaintext } = await createToken(
    servers.db,
    { name: 'reader', project: 'alpha', scope: 'read' },
    new Date(),
  );
  ofAlpha = { authorization: `Bearer ${plaintext}` };
});
afterAll(() => servers.stop());

const PATHS = ['/api/v1/spikes', '/api/v1/stages', '/api/v1/recurring-batches'];

describe('questions across runs', () => {
  it('are answered of the runs that the token may see', async () => {
    const alpha = runs.filter(({ project }) => project === 'alpha');
    const spikes = spikeSearchReplySchema.parse(
      (await servers.get('/api/v1/spikes', ofAlpha)).body,
    );
    expect(spikes.total.runCount).toBe(alpha.length);
    expect(spikes.items.length).toBeGreaterThan(3);
    expect(new Set(spikes.items.map(({ run }) => run.project))).toEqual(new Set(['alpha']));
    const stages = stageSearchReplySchema.parse(
      (await servers.get('/api/v1/stages', ofAlpha)).body,
    );
    expect(stages.runCount).toBe(alpha.length);
    const recurring = recurringBatchesReplySchema.parse(
      (await servers.get('/api/v1/recurring-batches?by=dataset', ofAlpha)).body,
    );
    expect(recurring.runCount).toBe(alpha.length);
  });

  it.each(PATHS)('ask for a token, and not for another project: %s', async (path) => {
    expect((await servers.get(path)).status).toBe(401);
    const other = await servers.get(`${path}?project=beta`, ofAlpha);
    expect([other.status, other.body.error.code]).toEqual([403, 'forbidden']);
  });

  it.each([
    ['/api/v1/spikes?minLead=-1', 'minLead'],
    ['/api/v1/spikes?kind=earthquake', 'kind.0'],
    ['/api/v1/spikes?config=lr%3Cfast', 'config'],
    ['/api/v1/spikes?groupBy=weather', 'groupBy'],
    ['/api/v1/spikes?from=yesterday', 'from'],
    ['/api/v1/spikes?layer=%2F(%2F', 'layer'],
    ['/api/v1/stages?stage=asleep', 'stage.0'],
    ['/api/v1/stages?layer=%2F%5B%2F', 'layer'],
    ['/api/v1/recurring-batches?within=1000', 'within'],
    ['/api/v1/recurring-batches?kind=rms_spike', 'kind.0'],
  ])('that do not parse say which field it is: %s', async (path, field) => {
    const { status, body } = await servers.get(path, ofAlpha);
    expect([status, body.error.code]).toEqual([422, 'invalid_query']);
    expect(body.error.details[0].path).toBe(field);
  });
});
