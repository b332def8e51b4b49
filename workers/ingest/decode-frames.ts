import { AppError } from '../../lib/contract/app-error';
import type { FrameRequest } from '../../lib/contract/frame';
import { decodeJsonFrames } from '../../lib/contract/frames-json';
import { decodeSafetensorsFrames } from '../../lib/contract/frames-safetensors';
import { SAFETENSORS_MEDIA_TYPE } from '../../lib/contract/heatmap-columns';

/** Throws AppError `unsupported_media_type` or what the decoders throw. */
export function decodeFrames(contentType: string | undefined, body: Uint8Array): FrameRequest {
  const mediaType = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  switch (mediaType) {
    case SAFETENSORS_MEDIA_TYPE:
      return decodeSafetensorsFrames(body);
    case 'application/json':
      return decodeJsonFrames(body);
    default:
      throw new AppError(
        'unsupported_media_type',
        `Content-Type: expected ${SAFETENSORS_MEDIA_TYPE} or application/json, got ${mediaType === '' ? 'none' : mediaType}`,
      );
  }
}
