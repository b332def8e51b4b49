import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compactAll } from '@/tests/lib/store/compaction/compactor';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { createTestDatabase, type ClonedDatabase } from '@/tests/database';
import { startServers, type TestServers } from '@/tests/servers';
import {
  finish,
  postFrames,
  readRecordedFrames,
  withoutHistograms,
} from '@/tests/workers/ingest/detect/recorded-frames';
import { runSqlCommand } from '@/workers/launcher/sql-command';

const page = readFileSync(new URL('../../docs/sql.md', import.meta.url), 'utf8');
const questions = [...page.matchAll(/\n\n([^\n]+)\n\n```sql\n([\s\S]*?)```/g)].map(
  ([, question = '', sql = '']) => ({ question, sql }),
);

const RUNS = ['B_spontaneous_spike', 'C_stale_v'];

let database: ClonedDatabase;
let servers: TestServers;
let client: pg.Client;

/** The answer as `npm run sql -- --format json` prints it. */
async function ask(query: string): Promise<Record<string, unknown>[]> {
  const printed = await runSqlCommand(client, { query, format: 'json', timeoutSeconds: 60 });
  if (printed === '') return [];
  return printed.split('\n').map((line): Record<string, unknown> => JSON.parse(line));
}

async function answerOf(words: string) {
  const found = questions.filter(({ question }) => question.includes(words));
  expect(found).toHaveLength(1);
  return ask(found[0]!.sql);
}

beforeAll(async () => {
  database = await createTestDatabase();
  servers = await startServers({ database });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  for (const id of RUNS) {
    const { run, frames } = await readRecordedFrames(`recorded/${id}.jsonl.gz`);
    await servers.post('/api/v1/runs', { ...run, id });
    await postFrames(servers, id, withoutHistograms(frames));
    await servers.post(`/api/v1/runs/${id}/events`, {
      step: 200,
      kind: 'checkpoint',
      title: 'checkpoint 200',
    });
    await finish(servers, id);
    // All of B is in blocks, all of C is hot.
    if (id === RUNS[0]) await compactAll(client, runKeyOf(id));
  }
}, 120_000);

afterAll(async () => {
  await client.end();
  await servers.stop();
  await database.drop();
});

describe('docs/sql.md', () => {
  it('has ten questions, each of which has an answer or none with a reason', async () => {
    expect(questions).toHaveLength(10);
    for (const { question, sql } of questions) {
      const rows = await ask(sql);
      // The recorded losses are all finite.
      if (question.includes('stop being a number')) expect(rows).toEqual([]);
      else expect(rows.length, question).toBeGreaterThan(0);
    }
  });

  it('names every column of every view', async () => {
    const { rows } = await client.query<{ view: string; columns: string }>(
      `SELECT table_name AS view, string_agg(column_name, ',' ORDER BY ordinal_position) AS columns
       FROM information_schema.columns WHERE table_schema = 'spikescope' GROUP BY table_name`,
    );
    expect(rows).toHaveLength(12);
    for (const { view, columns } of rows) {
      const line = page.split('\n').find((text) => text.startsWith(`| \`${view}\` |`));
      const told = line
        ?.split('|')[3]
        ?.replace(/\([^)]*\)/g, '')
        .replace(/\s/g, '');
      expect(told, view).toBe(columns);
    }
  });

  it('finds who moved first: one step before the rise at 318, and at 552 the first blocks', async () => {
    const rows = await answerOf('moved first in every');
    const leads = rows.filter(({ run, lead_steps: lead }) => run === RUNS[0] && lead === 1);
    const onsets = [...new Set(leads.map(({ onset_step: onset }) => Number(onset)))];
    expect(onsets).toHaveLength(2);
    expect(Math.abs(onsets[0]! - 318)).toBeLessThanOrEqual(2);
    expect(Math.abs(onsets[1]! - 552)).toBeLessThanOrEqual(2);
  });

  it('finds the largest gradients at 317 as they were recorded', async () => {
    const { frames } = await readRecordedFrames(`recorded/${RUNS[0]!}.jsonl.gz`);
    const recorded = frames.find(({ step }) => step === 317)!.layerMetrics.get('gradient_norm')!;
    const rows = await answerOf('ten layers');
    expect(rows.map(({ gradient_norm: value }) => Math.fround(Number(value)))).toEqual(
      [...recorded].sort((a, b) => b - a).slice(0, 10),
    );
  });

  it('follows one layer through the spike as it was recorded', async () => {
    const { frames } = await readRecordedFrames(`recorded/${RUNS[0]!}.jsonl.gz`);
    const rows = await answerOf('one layer’s gradient go through'.replace('’', "'"));
    expect(
      rows.map(({ step, gradient_norm: value }) => [Number(step), Math.fround(Number(value))]),
    ).toEqual(
      frames
        .filter(({ step }) => step >= 310 && step <= 340)
        .map(({ step, layerMetrics }) => [step, layerMetrics.get('gradient_norm')![0]]),
    );
  });
});
