import type { StepAxis, StepWindow } from '../axes/step-axis';

/**
 * The heatmap of a long run in tiles. Level k holds buckets of 2^k steps on their
 * multiples, the same number of them in every tile, so that a tile covers two of the level
 * below and the server answers each from one level of its rollups.
 */
export interface TileGrid {
  readonly layerCount: number;
  /** Buckets of a tile. */
  readonly columns: number;
}

export interface TileAddress {
  readonly level: number;
  readonly index: number;
}

/** Cells of a tile: 2 MB on their way, read in 5 ms, and six of them cover a wide screen. */
const TILE_CELLS = 262_144;
const MOST_TILE_COLUMNS = 1024;
const LEAST_TILE_COLUMNS = 64;
/** Cells of all tiles in view: past it buckets are wider than a pixel, or a zoom reads 60 MB. */
const VIEW_CELLS = 5_000_000;
/** How much coarser a tile may stand in for one that is on its way. */
const STAND_IN_LEVELS = 12;

export function tileGrid(layerCount: number): TileGrid {
  const fitting = 2 ** Math.floor(Math.log2(TILE_CELLS / Math.max(1, layerCount)));
  return {
    layerCount,
    columns: Math.min(MOST_TILE_COLUMNS, Math.max(LEAST_TILE_COLUMNS, fitting)),
  };
}

export const tileKey = ({ level, index }: TileAddress): string => `${level}/${index}`;

const parentOf = ({ level, index }: TileAddress): TileAddress => ({
  level: level + 1,
  index: Math.floor(index / 2),
});

/** The steps of a tile, whether the run has reached them or not. */
export function stepsOfTile({ columns }: TileGrid, { level, index }: TileAddress): StepWindow {
  const steps = columns * 2 ** level;
  return { fromStep: index * steps, toStep: (index + 1) * steps - 1 };
}

export function tileOfStep({ columns }: TileGrid, level: number, step: number): TileAddress {
  return { level, index: Math.floor(step / (columns * 2 ** level)) };
}

/** The coarsest level that has at least one bucket a pixel, where that is not too many cells. */
export function chooseTileLevel(grid: TileGrid, axis: StepAxis, stepPixels: number): number {
  const span = axis.high - axis.low;
  let level = Math.max(0, Math.floor(Math.log2(span / Math.max(1, stepPixels))));
  while ((span / 2 ** level) * grid.layerCount > VIEW_CELLS && span / 2 ** level > 1) level++;
  return level;
}

/** Tiles of the level under the axis, as far as the run has steps; ascending. */
export function tilesInView(
  grid: TileGrid,
  axis: StepAxis,
  level: number,
  run: StepWindow,
): TileAddress[] {
  const from = Math.max(run.fromStep, Math.ceil(axis.low));
  const to = Math.min(run.toStep, Math.floor(axis.high));
  if (to < from) return [];
  const first = tileOfStep(grid, level, from).index;
  const last = tileOfStep(grid, level, to).index;
  return Array.from({ length: last - first + 1 }, (_, i) => ({ level, index: first + i }));
}

/**
 * What to read for a view, the most wanted first: the tiles in view from the middle
 * outwards, then one beside them at either end, for the pan that may follow.
 */
export function wantedTiles(inView: readonly TileAddress[]): TileAddress[] {
  const [first] = inView;
  const last = inView.at(-1);
  if (first === undefined || last === undefined) return [];
  const middle = (first.index + last.index) / 2;
  const beside = [
    { level: first.level, index: last.index + 1 },
    { level: first.level, index: first.index - 1 },
  ];
  return [
    ...inView.toSorted((a, b) => Math.abs(a.index - middle) - Math.abs(b.index - middle)),
    ...beside.filter(({ index }) => index >= 0),
  ];
}

/** Columns that are drawn for a part of the axis, [low, high) in its units. */
export interface AxisPiece<C> {
  readonly columns: C;
  readonly low: number;
  readonly high: number;
}

/**
 * The best there is for each part of the axis: the tile, or both halves of it one level
 * finer, or what covers it one or more levels coarser, or the whole run's columns. The
 * pieces lie side by side and reach beyond both ends.
 */
export function choosePieces<C>(
  grid: TileGrid,
  inView: readonly TileAddress[],
  base: C,
  find: (address: TileAddress) => C | null,
): AxisPiece<C>[] {
  const pieces: AxisPiece<C>[] = [];
  const add = (columns: C, low: number, high: number) => {
    const last = pieces.at(-1);
    if (last?.columns === columns && last.high === low) {
      pieces[pieces.length - 1] = { ...last, high };
    } else pieces.push({ columns, low, high });
  };
  const edges = (address: TileAddress): readonly [number, number] => {
    const { fromStep, toStep } = stepsOfTile(grid, address);
    return [fromStep - 0.5, toStep + 0.5];
  };
  const coarser = (address: TileAddress): C => {
    let standIn = address;
    for (let levels = 0; levels < STAND_IN_LEVELS; levels++) {
      standIn = parentOf(standIn);
      const found = find(standIn);
      if (found !== null) return found;
    }
    return base;
  };
  const [first] = inView;
  add(base, -Infinity, first === undefined ? Infinity : edges(first)[0]);
  for (const address of inView) {
    const [low, high] = edges(address);
    const own = find(address);
    const halves =
      own !== null || address.level === 0
        ? []
        : [2 * address.index, 2 * address.index + 1].map((index) => {
            const half = { level: address.level - 1, index };
            return { columns: find(half), edges: edges(half) };
          });
    if (own !== null) add(own, low, high);
    else if (halves.length > 0 && halves.every(({ columns }) => columns !== null)) {
      for (const half of halves) add(half.columns ?? base, ...half.edges);
    } else add(coarser(address), low, high);
  }
  const last = inView.at(-1);
  if (last !== undefined) add(base, edges(last)[1], Infinity);
  return pieces;
}
