/** What the writer holds of a frame from the request until its outcome. */
import type { AppError } from '../../contract/app-error';
import type { Frame } from '../../contract/frame';
import { frameContentHash } from './content-hash';
import { toPostedMeasures } from './posted-measures';
import { uuidBytes } from '../runs/run-key';

export interface FrameToStore {
  /** `runKeyOf(id)`. */
  readonly runKey: string;
  readonly attempt: number;
  /** 0 for a frame that holds every layer. */
  readonly layerOffset: number;
  /** With what the worker derived; `samples` are not stored. */
  readonly frame: Frame;
  /** `frameContentHash` of the frame as it was posted; without it, of `frame`. */
  readonly contentHash?: Uint8Array;
  /** `toPostedMeasures` of the frame as it was posted; without it, of `frame`. */
  readonly postedMeasures?: number;
}

/**
 * conflict   its key is stored with other content
 * overlap    another frame of the step, stored before, holds some of its layers
 * AppError   this frame cannot be stored, now or later; the others stand
 */
export type FrameOutcome = 'stored' | 'duplicate' | 'conflict' | 'overlap' | AppError;

export interface BatchEntry {
  readonly runKey: string;
  readonly runBytes: Buffer;
  readonly attempt: number;
  readonly layerOffset: number;
  readonly frame: Frame;
  readonly contentHash: Buffer;
  readonly postedMeasures: number;
  /** Key of the frame as text. */
  readonly key: string;
  /**
   * Set once a COMMIT that held this frame was sent and its answer lost: when the key is
   * then found with our content, it was this writer that stored it.
   */
  isInDoubt: boolean;
}

/** The run was deleted and made anew since its names were read. */
export class StaleNamesError extends Error {}

export function frameKey(
  runKey: string,
  attempt: number,
  step: number | string,
  layerOffset: number,
): string {
  return `${runKey}/${attempt}/${step}/${layerOffset}`;
}

/** What a frame occupies in memory, near enough for a limit. */
export function byteLengthOf({ frame }: FrameToStore): number {
  let bytes = 512 + frame.layerMetrics.size * frame.layerCount * 4;
  for (const { counts, outside } of frame.histograms.values())
    bytes += counts.byteLength + outside.byteLength;
  if (frame.samples !== null) bytes += frame.samples.gradient.byteLength * 3;
  return bytes;
}

export function toBatchEntry({
  runKey,
  attempt,
  layerOffset,
  frame,
  contentHash,
  postedMeasures = toPostedMeasures(frame.layerMetrics),
}: FrameToStore): BatchEntry {
  return {
    runKey,
    runBytes: uuidBytes(runKey),
    attempt,
    layerOffset,
    frame,
    contentHash: contentHash === undefined ? frameContentHash(frame) : Buffer.from(contentHash),
    postedMeasures,
    key: frameKey(runKey, attempt, frame.step, layerOffset),
    isInDoubt: false,
  };
}

/** The number of a registered name. */
export function idOf(ids: ReadonlyMap<string, number> | undefined, name: string): number {
  const id = ids?.get(name);
  if (id === undefined) throw new StaleNamesError(`${name} has no number`);
  return id;
}
