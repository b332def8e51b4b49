/** Replacement of metrics in posts that are not compacted yet. */
import type { PoolClient } from 'pg';
import type { Replacement } from './replace-metrics';

/** A post's row: float32 [metric][layer], metrics in the order of `metricIds`. */
interface HotRow {
  readonly step: string;
  readonly layer_offset: number;
  readonly layer_count: number;
  readonly metric_ids: number[];
  readonly values: Buffer;
}

/** Returns the replacements whose posts are not hot. */
export async function replaceInHotFrames(
  client: PoolClient,
  runKey: string,
  attempt: number,
  replacements: readonly Replacement[],
  ids: ReadonlyMap<string, number>,
): Promise<Replacement[]> {
  const steps = [...new Set(replacements.map(({ step }) => step))];
  const { rows } = await client.query<HotRow>(
    `SELECT step, layer_offset, layer_count, metric_ids, "values" FROM hot_frame
     WHERE run = $1 AND attempt = $2 AND step = ANY($3::bigint[]) FOR UPDATE`,
    [runKey, attempt, steps],
  );
  const hot = new Map(rows.map((row) => [`${row.step}/${row.layer_offset}`, row]));
  const others: Replacement[] = [];
  for (const replacement of replacements) {
    const row = hot.get(`${replacement.step}/${replacement.layerOffset}`);
    if (row === undefined) {
      others.push(replacement);
      continue;
    }
    const { metricIds, values } = replaceRow(row, replacement, ids);
    await client.query({
      name: 'replace_hot_frame',
      text: `UPDATE hot_frame SET metric_ids = $5, layer_count = $6, "values" = $7
        WHERE run = $1 AND attempt = $2 AND step = $3 AND layer_offset = $4`,
      values: [
        runKey,
        attempt,
        replacement.step,
        replacement.layerOffset,
        metricIds,
        replacement.layerCount,
        values,
      ],
    });
  }
  return others;
}

/** Throws RangeError where the post's layers are not those of the replacement. */
function replaceRow(
  { layer_count: layerCount, metric_ids: known, values }: HotRow,
  { layerCount: expected, layerMetrics }: Replacement,
  ids: ReadonlyMap<string, number>,
): { readonly metricIds: number[]; readonly values: Buffer } {
  // A post without layer metrics has none of its layers in its row either.
  if (known.length > 0 && layerCount !== expected) {
    throw new RangeError(`expected a post of ${expected} layers, got ${layerCount}`);
  }
  const columnBytes = expected * 4;
  const columns = new Map(
    known.map((id, index) => [id, values.subarray(index * columnBytes, (index + 1) * columnBytes)]),
  );
  for (const [name, column] of layerMetrics) {
    const id = ids.get(name);
    if (id === undefined) throw new RangeError(`${name} has no number`);
    columns.set(id, Buffer.from(column.buffer, column.byteOffset, column.byteLength));
  }
  return { metricIds: [...columns.keys()], values: Buffer.concat([...columns.values()]) };
}
