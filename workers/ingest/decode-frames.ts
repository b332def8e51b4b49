import { AppError } from '../../lib/contract/app-error';
import type { FrameRequest } from '../../lib/contract/frame';
import { decodeJsonFrames } from '../../lib/contract/frames-json';
import { decodeSafetensorsFrames } from '../../lib/contract/frames-safetensors';
import { SAFETENSORS_MEDIA_TYPE } from '../../lib/contract/heatmap-columns';
import { decodePostedSamples } from '../../lib/contract/posted-samples';

/** Throws AppError `unsupported_media_type` or what the decoders throw. */
export function decodeFrames(contentType: string | undefined, body: Uint8Array): FrameRequest {
  const mediaType = mediaTypeOf(contentType);
  switch (mediaType) {
    case SAFETENSORS_MEDIA_TYPE:
      return decodeSafetensorsFrames(body);
    case 'application/json':
      return decodeJsonFrames(body);
    default:
      throw unsupported(`${SAFETENSORS_MEDIA_TYPE} or application/json`, mediaType);
  }
}

/** Throws AppError `unsupported_media_type`, `invalid_body`. */
export function decodeSamples(contentType: string | undefined, body: Uint8Array): FrameRequest {
  const mediaType = mediaTypeOf(contentType);
  if (mediaType !== SAFETENSORS_MEDIA_TYPE) throw unsupported(SAFETENSORS_MEDIA_TYPE, mediaType);
  return decodePostedSamples(body);
}

function mediaTypeOf(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function unsupported(expected: string, mediaType: string): AppError {
  return new AppError(
    'unsupported_media_type',
    `Content-Type: expected ${expected}, got ${mediaType === '' ? 'none' : mediaType}`,
  );
}
