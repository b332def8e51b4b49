import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDataDir, startProduct, type Product } from './harness/product';
import { readSnippets, runProgram } from './harness/snippets';

const { dataDir, remove } = makeDataDir();
let product: Product;

beforeAll(async () => {
  product = await startProduct({ dataDir });
});
afterAll(async () => {
  await product.stop();
  remove();
});

/** The one block of README.md in this language that posts, told where this product listens. */
function findPostingSnippet(language: string): string {
  const found = readSnippets('README.md').filter(
    ({ language: own, code }) => own === language && code.includes('/api/v1'),
  );
  expect(found).toHaveLength(1);
  const { code } = found[0]!;
  expect(code).toContain('http://127.0.0.1:3000');
  return code.replaceAll('http://127.0.0.1:3000', product.url);
}

async function readLastStep(runId: string): Promise<unknown> {
  const reply = await fetch(`${product.url}/api/v1/runs/${runId}`);
  return ((await reply.json()) as { lastStep: unknown }).lastStep;
}

describe('README.md', () => {
  it('posts a first frame with curl', async () => {
    const answers = await runProgram('/bin/sh', ['-ec', findPostingSnippet('sh')]);
    expect(answers).toContain('"accepted":1');
    expect(await readLastStep('first-run')).toBe(0);
  });

  it("posts a training run with Python's standard library", async () => {
    const answer = await runProgram('python3', ['-c', findPostingSnippet('python')]);
    const runId = /\/runs\/([^/\s]+)\s*$/.exec(answer)?.[1];
    expect(runId).toBeDefined();
    expect(await readLastStep(runId!)).toBe(49);
  });
});
