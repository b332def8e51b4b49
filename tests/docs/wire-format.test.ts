import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ZodType } from 'zod';
import { createChannelSchema } from '@/lib/contract/alert-channels';
import { alertRuleDraftSchema } from '@/lib/contract/alert-rules';
import { adviceReplySchema } from '@/lib/contract/advice';
import { decodeJsonFrames } from '@/lib/contract/frames-json';
import { createJobSchema } from '@/lib/contract/jobs';
import { samplesReplySchema } from '@/lib/contract/posted-samples';
import { createNoteSchema } from '@/lib/contract/notes';
import { buildOpenApi } from '@/lib/contract/openapi';
import { putProjectPolicySchema } from '@/lib/contract/project-policy';
import {
  createEventSchema,
  createRunSchema,
  finishRunSchema,
  framesReplySchema,
} from '@/lib/contract/runs';

const page = readFileSync(new URL('../../docs/wire-format.md', import.meta.url), 'utf8');

/** The example marked ```json NAME. */
function example(name: string): string {
  const text = new RegExp(`\`\`\`json ${name}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  if (text === undefined) throw new Error(`docs/wire-format.md has no example ${name}`);
  return text;
}

describe('docs/wire-format.md', () => {
  it.each<[string, ZodType]>([
    ['create-run', createRunSchema],
    ['frames-reply', framesReplySchema],
    ['samples-reply', samplesReplySchema],
    ['event', createEventSchema],
    ['finish', finishRunSchema],
    ['advice', adviceReplySchema],
    ['job', createJobSchema],
    ['note', createNoteSchema],
    ['alert-channel', createChannelSchema],
    ['alert-rule', alertRuleDraftSchema],
    ['project-policy', putProjectPolicySchema],
  ])('has a valid example of %s', (name, schema) => {
    const value: unknown = JSON.parse(example(name));
    expect(schema.parse(value)).toEqual(value);
  });

  it('has frames as an example that the worker decodes whole', () => {
    const { frames, rejected } = decodeJsonFrames(new TextEncoder().encode(example('frames')));
    expect(rejected).toEqual([]);
    const [frame] = frames;
    expect(frame).toMatchObject({ step: 4711, layerCount: 2, wallTime: 1767225600.25 });
    expect([...frame!.scalars.keys()].sort()).toEqual([
      'gradient_norm',
      'learning_rate',
      'loss',
      'tokens_seen',
    ]);
    expect(frame!.histograms.get('ratio')!.counts.length).toBe(8);
  });

  it('names every path and every parameter of the contract', () => {
    const paths = Object.entries(buildOpenApi({ version: '1' }).paths).filter(([path]) =>
      path.startsWith('/api/v1/'),
    );
    const ends = paths.map(([path]) => /\/[^/{]+(?=(?:\/\{\w+\})?$)/.exec(path)![0]);
    const parameters = paths.flatMap(([, methods]) =>
      Object.values(methods).flatMap((operation) => operation.parameters.map(({ name }) => name)),
    );
    expect(paths.length).toBeGreaterThan(50);
    expect(parameters).toContain('fromStep');
    const isNamed = (word: string) => new RegExp(`${word}(?![\\w-])`).test(page);
    expect([...ends, ...parameters].filter((word) => !isNamed(word))).toEqual([]);
  });
});
