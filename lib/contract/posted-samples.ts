/**
 * `POST /runs/{id}/samples`: raw samples of steps that were posted without them, in the
 * container of a post of frames, of which it holds the steps and the samples alone.
 */
import type { z } from 'zod';
import { AppError } from './app-error';
import type { FrameRequest } from './frame';
import { decodeSafetensorsFrames } from './frames-safetensors';
import { framesReplySchema } from './runs';
import { parseSafetensors } from './safetensors';

const SAMPLE_TENSORS = ['sample/gradient', 'sample/first_moment', 'sample/second_moment'];
const KNOWN_TENSORS: ReadonlySet<string> = new Set(['step', ...SAMPLE_TENSORS]);

/** Steps further behind the newest one are taken only around spikes that were found. */
export const LATE_SAMPLE_STEPS = 64;

export const samplesReplySchema = framesReplySchema.omit({ events: true, ignored: true });
export type SamplesReply = z.infer<typeof samplesReplySchema>;

/**
 * Decodes a body; the frames of the request hold samples and nothing else, views into it.
 *
 * Throws  AppError `invalid_body` with the tensor's name as path
 */
export function decodePostedSamples(body: Uint8Array): FrameRequest {
  const { tensors } = parseSafetensors(body);
  for (const name of tensors.keys()) {
    if (!KNOWN_TENSORS.has(name)) {
      const message = `is no tensor of a post of samples; expected step, ${SAMPLE_TENSORS.join(', ')}`;
      throw invalid(name, message);
    }
  }
  for (const name of SAMPLE_TENSORS) {
    if (!tensors.has(name)) throw invalid(name, 'is missing; the three of a sample go together');
  }
  return decodeSafetensorsFrames(body);
}

function invalid(path: string, message: string): AppError {
  return new AppError('invalid_body', `${path}: ${message}`, { details: [{ path, message }] });
}
