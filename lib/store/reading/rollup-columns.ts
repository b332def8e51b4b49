/** The columns of rollup rows that a scan of layers asks for: planes and counts, of all layers or of one. */
import { AlignedCopy } from '../postgres/aligned-copy';
import {
  decodeCountRows,
  decodeCounts,
  decodePlane,
  decodePlaneRow,
  isPackedCodec,
  type Plane,
  rollupRowSql,
} from '../compaction/rollup-codec';
import type { CopyRow } from '../postgres/copy-binary';
import type { Parameters } from '../postgres/parameters';

/** Of all scans: whoever takes a row is done with it before the next one comes. */
const COPIES = {
  minimum: new AlignedCopy(),
  maximum: new AlignedCopy(),
  mean: new AlignedCopy(),
  exceptions: new AlignedCopy(),
  packed: new AlignedCopy(),
} as const;

export interface RollupCells {
  /** [L][n] */
  readonly planes: ReadonlyMap<Plane, Float32Array>;
  /** [2][L][n]; null where each cell has all of the reported values finite. */
  readonly exceptions: Uint32Array | null;
}

export class RollupColumns {
  readonly #planes: readonly Plane[];
  readonly #layer: number | undefined;
  readonly #layerCount: number;

  constructor(query: {
    readonly planes: readonly Plane[];
    readonly layer?: number;
    readonly layerCount: number;
  }) {
    this.#planes = query.planes;
    this.#layer = query.layer;
    this.#layerCount = query.layerCount;
  }

  /** The select list; of one layer `substr` fetches no other. */
  select(p: Parameters): string {
    const layer = this.#layer;
    const rowOf = (column: Plane | 'exceptions', row: number): string =>
      `(${rollupRowSql(column, p.integer('int', row))})`;
    const columns: readonly string[] =
      layer === undefined
        ? ['exceptions', ...this.#planes]
        : [
            `${rowOf('exceptions', layer)} || ${rowOf('exceptions', this.#layerCount + layer)}`,
            ...this.#planes.map((plane) => rowOf(plane, layer)),
          ];
    return ['codec', ...columns].join(', ');
  }

  /** What `select` asked for, from `field` on; valid until the next row is read. */
  read(row: CopyRow, field: number, columnCount: number): RollupCells {
    const codec = row.int2(field);
    return {
      exceptions: row.isNull(field + 1)
        ? null
        : this.#countsOf(codec, row.bytes(field + 1), columnCount),
      planes: new Map(
        this.#planes.map((plane, index) => [
          plane,
          this.#planeOf(codec, plane, row.bytes(field + 2 + index), columnCount),
        ]),
      ),
    };
  }

  #planeOf(codec: number, plane: Plane, bytes: Uint8Array, columnCount: number): Float32Array {
    if (!isPackedCodec(codec)) return COPIES[plane].float32(bytes);
    if (this.#layer !== undefined) return decodePlaneRow(codec, plane, bytes, columnCount);
    const packed = COPIES.packed.bytes(bytes);
    return decodePlane(codec, plane, packed, columnCount, (n) => COPIES[plane].floats(n));
  }

  #countsOf(codec: number, bytes: Uint8Array, columnCount: number): Uint32Array {
    if (!isPackedCodec(codec)) return COPIES.exceptions.uint32(bytes);
    if (this.#layer !== undefined) return decodeCountRows(codec, bytes, columnCount);
    const packed = COPIES.packed.bytes(bytes);
    return decodeCounts(codec, packed, columnCount, (n) => COPIES.exceptions.floats(n));
  }
}
