import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { drawBatch, parseCorpus } from '@/examples/transformer/corpus';

const shape = { batchSize: 3, contextLength: 5 };

describe('parseCorpus', () => {
  it('numbers characters in code point order and loses none', () => {
    const { characters, tokens } = parseCorpus('hello, é!');

    expect(characters).toEqual([' ', '!', ',', 'e', 'h', 'l', 'o', 'é']);
    expect(Array.from(tokens, (token) => characters[token]).join('')).toBe('hello, é!');
  });

  it('reads the novel that is shipped: 75 characters', () => {
    const novel = readFileSync(
      new URL('../../../examples/data/persuasion.txt', import.meta.url),
      'utf8',
    );
    const { characters, tokens } = parseCorpus(novel);

    expect(characters.length).toBe(75);
    expect(tokens.length).toBe(466_854);
  });
});

describe('drawBatch', () => {
  const corpus = parseCorpus('abcdefghijklmnopqrstuvwxyz');

  it('asks for the character that follows each input', () => {
    const { inputs, targets } = drawBatch(corpus, shape, 1, 0);

    expect(inputs.length).toBe(15);
    expect(Array.from(targets)).toEqual(Array.from(inputs, (token) => token + 1));
  });

  it('draws the same batch for the same step, and another for the next', () => {
    expect(drawBatch(corpus, shape, 1, 7)).toEqual(drawBatch(corpus, shape, 1, 7));
    expect(drawBatch(corpus, shape, 1, 7)).not.toEqual(drawBatch(corpus, shape, 1, 8));
    expect(drawBatch(corpus, shape, 1, 7)).not.toEqual(drawBatch(corpus, shape, 2, 7));
  });

  it('refuses a text that holds no window', () => {
    expect(() => drawBatch(parseCorpus('abcde'), shape, 1, 0)).toThrow(/more than 5 characters/);
  });
});
