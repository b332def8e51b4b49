/** Numbers of a query or a path: they arrive as text and are coerced. */
import { z } from 'zod';
import { MAX_LAYERS_PER_RUN, stepSchema } from './identifiers';

const WHOLE = { error: 'expected a whole number' };

const queryNumber = z.coerce.number(WHOLE);

export const queryInteger = queryNumber.pipe(z.int(WHOLE));
export const queryStep = queryNumber.pipe(stepSchema);
/** The index of a layer; whether the run has it is another question. */
export const queryLayer = queryInteger.pipe(z.int().min(0).max(MAX_LAYERS_PER_RUN));
