import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  choosePieces,
  chooseTileLevel,
  stepsOfTile,
  tileGrid,
  tileKey,
  tilesInView,
  wantedTiles,
  type TileAddress,
} from '@/lib/view/heatmap/heatmap-tiles';

const grid = tileGrid(1000);
const RUN = { fromStep: 0, toStep: 99_999 };
const axisOf = (fromStep: number, toStep: number) => ({ low: fromStep - 0.5, high: toStep + 0.5 });

describe('the grid of tiles', () => {
  it('holds as many buckets a tile as fit a read, a power of two', () => {
    expect(tileGrid(1000).columns).toBe(256);
    expect(tileGrid(10).columns).toBe(1024);
    expect(tileGrid(100_000).columns).toBe(64);
    expect(tileGrid(0).columns).toBe(1024);
  });

  it('has at least one bucket a pixel, and fewer than two', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 1_000_000 }),
        fc.integer({ min: 100, max: 2400 }),
        (span, pixels) => {
          const level = chooseTileLevel(tileGrid(100), axisOf(0, span - 1), pixels);
          const perPixel = span / 2 ** level / pixels;
          expect(perPixel < 2 || level === 0).toBe(true);
          expect(perPixel >= 1 || level === 0).toBe(true);
        },
      ),
    );
  });

  it('has wider buckets where one a pixel would be too many cells', () => {
    const level = chooseTileLevel(tileGrid(20_000), axisOf(0, 99_999), 2000);
    expect((100_000 / 2 ** level) * 20_000).toBeLessThanOrEqual(5_000_000);
    expect((100_000 / 2 ** (level - 1)) * 20_000).toBeGreaterThan(5_000_000);
  });

  it('covers each step of the run in view once, and no others', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 99_990 }),
        fc.integer({ min: 8, max: 50_000 }),
        fc.integer({ min: 0, max: 8 }),
        (from, length, level) => {
          const axis = axisOf(from, from + length - 1);
          const tiles = tilesInView(grid, axis, level, RUN).map((tile) => stepsOfTile(grid, tile));
          expect(tiles[0]!.fromStep).toBeLessThanOrEqual(from);
          expect(tiles.at(-1)!.toStep).toBeGreaterThanOrEqual(Math.min(99_999, from + length - 1));
          tiles.slice(1).forEach((tile, i) => expect(tile.fromStep).toBe(tiles[i]!.toStep + 1));
          for (const { fromStep, toStep } of tiles) {
            expect(toStep >= from && fromStep <= Math.min(99_999, from + length - 1)).toBe(true);
          }
        },
      ),
    );
  });

  it('has no tile where the run has no steps', () => {
    expect(tilesInView(grid, axisOf(200_000, 200_100), 0, RUN)).toEqual([]);
  });

  it('asks for the middle of a view first, and for both neighbours last', () => {
    const inView = [3, 4, 5].map((index) => ({ level: 2, index }));
    expect(wantedTiles(inView).map(({ index }) => index)).toEqual([4, 3, 5, 6, 2]);
    expect(wantedTiles([{ level: 2, index: 0 }]).map(({ index }) => index)).toEqual([0, 1]);
  });
});

describe('the pieces of a view', () => {
  const level = 2;
  const inView = [3, 4, 5].map((index) => ({ level, index }));
  const piecesWith = (...held: TileAddress[]) => {
    const keys = new Set(held.map(tileKey));
    return choosePieces(grid, inView, 'base', (address) =>
      keys.has(tileKey(address)) ? tileKey(address) : null,
    );
  };
  const names = (pieces: ReturnType<typeof piecesWith>) => pieces.map(({ columns }) => columns);

  it('are the whole run before any tile is there', () => {
    expect(piecesWith()).toEqual([{ columns: 'base', low: -Infinity, high: Infinity }]);
  });

  it('are the tiles themselves as soon as they are there, and coarser ones meanwhile', () => {
    expect(names(piecesWith({ level, index: 4 }))).toEqual(['base', '2/4', 'base']);
    // The last tile of the three lies under tile 1 of two levels above.
    expect(names(piecesWith({ level, index: 4 }, { level: 4, index: 1 }))).toEqual([
      'base',
      '2/4',
      '4/1',
      'base',
    ]);
    expect(names(piecesWith(...inView))).toEqual(['base', '2/3', '2/4', '2/5', 'base']);
  });

  it('are both halves of a tile, where a view was zoomed out', () => {
    expect(names(piecesWith({ level: 1, index: 8 }, { level: 1, index: 9 }))).toEqual([
      'base',
      '1/8',
      '1/9',
      'base',
    ]);
    expect(names(piecesWith({ level: 1, index: 8 }))).toEqual(['base']);
  });

  it('lie side by side from end to end, whatever is held', () => {
    const addresses = fc.record({
      level: fc.integer({ min: 0, max: 5 }),
      index: fc.integer({ min: 0, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(addresses, { maxLength: 20 }), (held) => {
        const pieces = piecesWith(...held);
        expect(pieces[0]!.low).toBe(-Infinity);
        expect(pieces.at(-1)!.high).toBe(Infinity);
        pieces.slice(1).forEach(({ low }, i) => expect(low).toBe(pieces[i]!.high));
      }),
    );
  });
});
