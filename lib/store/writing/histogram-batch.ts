/** Histograms of claimed frames: edges once a run, packed counts once a frame and kind. */
import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { arrayParameter, BinaryWriter } from '../postgres/binary-writer';
import { CopyIn } from '../postgres/copy-binary';
import { idOf, type BatchEntry } from './frame-entry';
import type { RunNames } from './metric-registry';
import { packCounts } from '../packed-counts';
import { uuidText } from '../runs/run-key';

interface EdgesToStore {
  readonly runKey: string;
  readonly runBytes: Buffer;
  readonly edgesHash: string;
  readonly hashBytes: Buffer;
  readonly edges: Uint8Array;
}

/** Returns the edges that were new, for the caller to remember once they are committed. */
export async function storeHistograms(
  client: Client,
  entries: readonly BatchEntry[],
  names: ReadonlyMap<string, RunNames>,
): Promise<readonly EdgesToStore[]> {
  const withHistograms = entries.filter(({ frame }) => frame.histograms.size > 0);
  if (withHistograms.length === 0) return [];
  const writer = new BinaryWriter(1 << 20);
  const newEdges = new Map<string, EdgesToStore>();
  writer.copyHeader();
  for (const entry of withHistograms) {
    const { runKey, runBytes, attempt, layerOffset, frame } = entry;
    const runNames = names.get(runKey);
    for (const [name, histogram] of frame.histograms) {
      const edges = new Uint8Array(
        histogram.edges.buffer,
        histogram.edges.byteOffset,
        histogram.edges.byteLength,
      );
      const hashBytes = createHash('sha256').update(edges).digest().subarray(0, 16);
      const edgesHash = uuidText(hashBytes);
      if (runNames?.edges.has(edgesHash) !== true) {
        newEdges.set(`${runKey}/${edgesHash}`, { runKey, runBytes, edgesHash, hashBytes, edges });
      }
      const counts = packCounts(histogram.counts);
      const outside = packCounts(histogram.outside);
      writer.row(12);
      writer.uuid(runBytes);
      writer.int4(attempt);
      writer.int8(frame.step);
      writer.int4(layerOffset);
      writer.int2(idOf(runNames?.histogram, name));
      writer.uuid(hashBytes);
      writer.int4(frame.layerCount);
      writer.int4(histogram.edges.length - 1);
      writer.int2(counts.width);
      writer.int2(outside.width);
      writer.bytea([counts.bytes]);
      writer.bytea([outside.bytes]);
    }
  }
  writer.copyTrailer();
  const edgesToStore = [...newEdges.values()];
  await insertEdges(client, edgesToStore);
  await client.query(
    new CopyIn(
      'histogram_frame (run, attempt, step, layer_offset, kind, edges_hash, layer_count, bin_count, count_width, outside_width, counts, outside)',
      writer.finish(),
    ),
  ).done;
  return edgesToStore;
}

async function insertEdges(client: Client, edges: readonly EdgesToStore[]): Promise<void> {
  if (edges.length === 0) return;
  const column = (type: 'uuid' | 'bytea', read: (entry: EdgesToStore) => Uint8Array): Buffer =>
    arrayParameter(type, edges.length, (writer, index) => {
      const entry = edges[index];
      const bytes = entry === undefined ? Buffer.alloc(16) : read(entry);
      if (type === 'uuid') writer.uuid(bytes);
      else writer.bytea([bytes]);
    });
  await client.query(
    `INSERT INTO histogram_edges (run, edges_hash, edges)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[])
     ON CONFLICT (run, edges_hash) DO NOTHING`,
    [
      column('uuid', ({ runBytes }) => runBytes),
      column('uuid', ({ hashBytes }) => hashBytes),
      column('bytea', (entry) => entry.edges),
    ],
  );
}
