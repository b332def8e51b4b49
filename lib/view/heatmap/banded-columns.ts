import type { LayerBand } from '../axes/layer-axis';

/** Columns that say where they changed, so that what was made of them need not be made again. */
export interface BandSource {
  /** [columns × layers], column-major. */
  readonly codes: Uint16Array;
  readonly columnCount: number;
  readonly layerCount: number;
  readonly version: number;
  changedSince(version: number): number;
}

/** Which layers each band of the picture shows. */
export interface BandRows {
  readonly bands: readonly LayerBand[];
  /** Row → layer index. */
  readonly layerOfRow: readonly number[];
}

/** [bands × stride] the largest code of each band; a band's columns lie side by side. */
export interface BandedColumns {
  readonly codes: Uint16Array;
  readonly stride: number;
}

interface Held {
  readonly rows: BandRows;
  readonly banded: BandedColumns;
  readonly version: number;
}

/** Ways to lay the rows out that are kept: both layouts, between which a person goes to and fro. */
const LAYOUTS_KEPT = 2;

/** By source, the last used layout at the end. */
const held = new WeakMap<BandSource, readonly Held[]>();

/**
 * The columns by bands, kept with them: layers are reduced to pixels once for all zooms and
 * pans, and a live column alone when it comes. Zooming through 1,000 layers reads half the
 * cells that way, in the order in which they lie.
 *
 * Cost  O(changed columns × rows)
 */
export function bandColumns(source: BandSource, rows: BandRows): BandedColumns {
  const kept = held.get(source) ?? [];
  const known = kept.find((entry) => isSameLayout(entry.rows, rows));
  const { columnCount, version } = source;
  let from = known === undefined ? 0 : Math.min(source.changedSince(known.version), columnCount);
  let banded = known?.banded;
  if (banded === undefined || banded.stride < columnCount) {
    // A source that grows by a column a time is not copied each time.
    const stride = known === undefined ? columnCount : Math.ceil(columnCount * 1.25);
    banded = { codes: new Uint16Array(rows.bands.length * stride), stride };
    from = 0;
  }
  if (from < columnCount) reduceToBands(source, rows, banded, from);
  const others = kept.filter((entry) => entry !== known).slice(1 - LAYOUTS_KEPT);
  held.set(source, [...others, { rows, banded, version }]);
  return banded;
}

/** The same bands under another name are what a layout has when a person comes back to it. */
function isSameLayout(a: BandRows, b: BandRows): boolean {
  if (a.layerOfRow !== b.layerOfRow || a.bands.length !== b.bands.length) return false;
  return (
    a.bands === b.bands ||
    a.bands.every(
      ({ firstRow, endRow }, band) =>
        firstRow === b.bands[band]?.firstRow && endRow === b.bands[band].endRow,
    )
  );
}

function reduceToBands(
  { codes, columnCount, layerCount }: BandSource,
  { bands, layerOfRow }: BandRows,
  { codes: target, stride }: BandedColumns,
  from: number,
): void {
  const layers = Int32Array.from(layerOfRow);
  const firstRow = Int32Array.from(bands, (band) => band.firstRow);
  const endRow = Int32Array.from(bands, (band) => band.endRow);
  const bandCount = bands.length;
  for (let column = from; column < columnCount; column++) {
    const source = column * layerCount;
    for (let band = 0, at = column; band < bandCount; band++, at += stride) {
      const end = endRow[band] ?? 0;
      let largest = 0;
      for (let row = firstRow[band] ?? 0; row < end; row++) {
        const code = codes[source + (layers[row] ?? 0)] ?? 0;
        if (code > largest) largest = code;
      }
      target[at] = largest;
    }
  }
}
