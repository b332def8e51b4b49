import { type TokenBatch, drawBatch, parseCorpus } from '@/examples/transformer/corpus';
import {
  type ModelShape,
  type ParameterSpec,
  initialValues,
  listParameters,
} from '@/examples/transformer/model';
import { seededRandom } from '@/examples/transformer/seeded-random';

export const TINY_TEXT = 'the quick brown fox jumps over the lazy dog. '.repeat(20);

/** Two blocks of width 8 over the letters of one sentence, with weights that are far from 0. */
export function aTinyModel(): {
  shape: ModelShape;
  specs: ParameterSpec[];
  values: Float32Array[];
  batch: TokenBatch;
} {
  const corpus = parseCorpus(TINY_TEXT);
  const shape: ModelShape = {
    vocabularySize: corpus.characters.length,
    contextLength: 6,
    width: 8,
    depth: 2,
    headCount: 2,
  };
  const specs = listParameters(shape);
  const random = seededRandom(7);
  const values = initialValues(specs, random).map((weights, index) => {
    const isNorm = specs[index]!.kind === 'norm';
    return weights.map((weight) => (isNorm ? weight + 0.4 * (random() - 0.5) : weight * 15));
  });
  return {
    shape,
    specs,
    values,
    batch: drawBatch(corpus, { batchSize: 3, contextLength: 6 }, 1, 0),
  };
}
