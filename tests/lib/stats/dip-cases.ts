import { readFileSync } from 'node:fs';
import { z } from 'zod';

const referenceSchema = z.object({
  cases: z.array(z.object({ name: z.string(), dip: z.number(), x: z.array(z.number()) })),
});

/** Samples of 1 to 5,000 values with the dip that R's diptest gives them. */
export function readDipCases() {
  const file = new URL('../../fixtures/reference/dip-reference.json', import.meta.url);
  return referenceSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).cases;
}
