import { fileURLToPath } from 'node:url';
import { toFrame } from '@/clients/typescript/to-frame';
import { canShareBody, encodeFrames } from '@/lib/contract/encode-frames';
import type { Frame } from '@/lib/contract/frame';
import { SAFETENSORS_MEDIA_TYPE } from '@/lib/contract/heatmap-columns';
import type { CreateRun } from '@/lib/contract/runs';
import type { TestServers } from '@/tests/servers';
import { readRecording } from '@/workers/launcher/tools/import-recording/read-recording';

/** A recorded run as the import tool would post it. */
export interface RecordedFrames {
  readonly run: Omit<CreateRun, 'id'>;
  readonly frames: readonly Frame[];
}

const fixture = (path: string) =>
  fileURLToPath(new URL(`../../../fixtures/${path}`, import.meta.url));

export async function readRecordedFrames(path: string): Promise<RecordedFrames> {
  const { layers, description, items } = await readRecording(fixture(path));
  const frames: Frame[] = [];
  for await (const item of items) {
    if (item.kind !== 'step') continue;
    frames.push(toFrame({ ...item.step.frame, wallTime: null }, layers.length, 0));
  }
  return {
    run: { project: 'tests', optimizer: description.optimizer, layers: [...layers] },
    frames,
  };
}

/** Without histograms: a tenth of the bytes, and the same loss spikes and first movers. */
export function withoutHistograms(frames: readonly Frame[]): Frame[] {
  return frames.map((frame) => ({ ...frame, histograms: new Map() }));
}

/** Layers [fromLayer, endLayer) of a frame, as one shard posts it. */
export function shardOf(frame: Frame, fromLayer: number, endLayer: number): Frame {
  return {
    ...frame,
    layerCount: endLayer - fromLayer,
    layerMetrics: new Map(
      Array.from(frame.layerMetrics, ([name, values]) => [name, values.slice(fromLayer, endLayer)]),
    ),
  };
}

export interface PostOptions {
  readonly attempt?: number;
  readonly layerOffset?: number;
}

/** Posts frames in the order given, in as few requests as their contents and steps allow. */
export async function postFrames(
  servers: TestServers,
  id: string,
  frames: readonly Frame[],
  { batch = 64, ...options }: PostOptions & { batch?: number } = {},
) {
  const replies = [];
  for (let start = 0; start < frames.length;) {
    const first = frames[start]!;
    let end = start + 1;
    while (
      end < Math.min(frames.length, start + batch) &&
      frames[end]!.step > frames[end - 1]!.step &&
      canShareBody(first, frames[end]!)
    ) {
      end++;
    }
    const response = await servers.api(`/api/v1/runs/${id}/frames`, {
      method: 'POST',
      headers: { 'Content-Type': SAFETENSORS_MEDIA_TYPE },
      body: encodeFrames(frames.slice(start, end), options),
    });
    if (response.status !== 200) throw new Error(await response.text());
    replies.push((await response.json()) as { accepted: number; events: { kind: string }[] });
    start = end;
  }
  return replies;
}

export async function finish(servers: TestServers, id: string): Promise<void> {
  const { status } = await servers.post(`/api/v1/runs/${id}/finish`, { status: 'finished' });
  if (status !== 200) throw new Error(`finish of ${id}: ${status}`);
}
