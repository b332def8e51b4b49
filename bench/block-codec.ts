/**
 * Bytes and nanoseconds a datapoint of ways to keep a block of 64 steps, on the recorded
 * trainings: as it is, packed rows (ours: exact and rounded), a byte shuffle under deflate,
 * XOR with the step before under the same, and XOR in as few bits as sixteen values need.
 * Then blocks with the rollup rows above them as they are stored, exact and rounded.
 * Run: npm run bench -- block-codec
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { deflateSync, gunzipSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import { isWorthKeeping, rowSteps } from '../lib/store/compaction/block-layout';
import { type MetricRollup, MetricRollupAccumulator } from '../lib/store/compaction/metric-rollup';
import { layOutRollup, roundRollup } from '../lib/store/compaction/rollup-codec';
import { packRows, ROUNDED_BITS, unpackRows } from '../lib/store/compaction/row-codec';

const COLUMNS = 64;
const ROUNDS = 15;
const RECORDED = fileURLToPath(new URL('../tests/fixtures/recorded/', import.meta.url));
const RUNS = ['B_spontaneous_spike', 'C_stale_v'];

const lineSchema = z.object({ layers: z.array(z.record(z.string(), z.unknown())).min(1) });

interface Block {
  readonly metric: string;
  readonly firstStep: number;
  readonly rowCount: number;
  readonly values: Float32Array;
}

/** Every number that the recorded layers carry, as blocks [layer][64]. */
function readBlocks(run: string): Block[] {
  const text = gunzipSync(readFileSync(`${RECORDED}${run}.jsonl.gz`)).toString();
  const lines = text
    .trim()
    .split('\n')
    .map((line) => lineSchema.parse(JSON.parse(line)));
  const named = lines.at(-1)?.layers[0] ?? {};
  const metrics = Object.keys(named).filter(
    (name) => name !== 'n' && typeof named[name] === 'number',
  );
  const blocks: Block[] = [];
  for (const metric of metrics) {
    for (let from = 0; from + COLUMNS <= lines.length; from += COLUMNS) {
      const rowCount = lines[from]?.layers.length ?? 0;
      const values = new Float32Array(rowCount * COLUMNS);
      for (let column = 0; column < COLUMNS; column++) {
        lines[from + column]?.layers.forEach((layer, row) => {
          values[row * COLUMNS + column] = Number(layer[metric] ?? NaN);
        });
      }
      blocks.push({ metric, firstStep: from, rowCount, values });
    }
  }
  return blocks;
}

interface Codec {
  readonly name: string;
  readonly pack: (block: Block) => Uint8Array;
  readonly unpack: (bytes: Uint8Array, block: Block) => Float32Array;
}

const bytesOf = (values: Float32Array | Uint32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

function shuffle(bytes: Uint8Array): Uint8Array {
  const count = bytes.length / 4;
  const shuffled = new Uint8Array(bytes.length);
  for (let index = 0; index < bytes.length; index++)
    shuffled[(index & 3) * count + (index >> 2)] = bytes[index] ?? 0;
  return shuffled;
}

function unshuffle(bytes: Uint8Array): Uint8Array {
  const count = bytes.length / 4;
  const plain = new Uint8Array(bytes.length);
  for (let index = 0; index < bytes.length; index++)
    plain[index] = bytes[(index & 3) * count + (index >> 2)] ?? 0;
  return plain;
}

function xorRows(values: Float32Array, undo: boolean): Uint32Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const mixed = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) {
    const before = index % COLUMNS === 0 ? 0 : ((undo ? mixed : bits)[index - 1] ?? 0);
    mixed[index] = (bits[index] ?? 0) ^ before;
  }
  return mixed;
}

const toFloats = (bytes: Uint8Array): Float32Array =>
  new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);

/** Bytes alone: sixteen XORed values in as many bits as the largest needs, one byte to say how many. */
function xorBytes({ values }: Block): number {
  const mixed = xorRows(values, false);
  let bytes = 0;
  for (let from = 0; from < mixed.length; from += 16) {
    let any = 0;
    for (const value of mixed.subarray(from, from + 16)) any |= value;
    bytes += 1 + (32 - Math.clz32(any)) * 2;
  }
  return bytes;
}

const packedOrRaw = (block: Block, dropped: 0 | typeof ROUNDED_BITS): Uint8Array =>
  packRows(block.values, block.rowCount, dropped) ?? bytesOf(block.values);
const unpackedOrRaw = (bytes: Uint8Array, { values }: Block, dropped: number): Float32Array =>
  bytes.length === values.byteLength
    ? toFloats(bytes.slice())
    : unpackRows(bytes, COLUMNS, dropped);

const codecs: readonly Codec[] = [
  {
    name: 'as it is',
    pack: ({ values }) => bytesOf(values),
    unpack: (bytes) => toFloats(bytes.slice()),
  },
  {
    name: 'packed rows, exact',
    pack: (block) => packedOrRaw(block, 0),
    unpack: (bytes, block) => unpackedOrRaw(bytes, block, 0),
  },
  {
    name: 'packed rows, rounded to 1e-3',
    pack: (block) => packedOrRaw(block, ROUNDED_BITS),
    unpack: (bytes, block) => unpackedOrRaw(bytes, block, ROUNDED_BITS),
  },
  {
    name: 'byte shuffle, deflate 1',
    pack: ({ values }) => deflateSync(shuffle(bytesOf(values)), { level: 1 }),
    unpack: (bytes) => toFloats(unshuffle(inflateSync(bytes))),
  },
  {
    name: 'XOR, byte shuffle, deflate 1',
    pack: ({ values }) => deflateSync(shuffle(bytesOf(xorRows(values, false))), { level: 1 }),
    unpack: (bytes) => toFloats(bytesOf(xorRows(toFloats(unshuffle(inflateSync(bytes))), true))),
  },
];

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function nanoseconds(work: () => void, datapoints: number): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    work();
    times.push(((performance.now() - start) * 1e6) / datapoints);
  }
  return median(times);
}

interface PlacedRow {
  readonly level: number;
  readonly block: number;
  readonly rollup: MetricRollup;
}

/** The rollup rows that are kept above the blocks of one metric, every level that its steps fill. */
function rollUp(blocks: readonly Block[]): PlacedRow[] {
  const [{ rowCount } = { rowCount: 0 }] = blocks;
  const accumulator = new MetricRollupAccumulator(rowCount);
  const offsets = Uint16Array.from({ length: COLUMNS }, (_, offset) => offset);
  const rows: PlacedRow[] = [];
  const finish = (level: number, block: number, columns: number): PlacedRow[] => {
    const rollup = accumulator.finish();
    const isKept = rollup !== null && isWorthKeeping(columns, rollup.slots.length);
    return isKept ? [{ level, block, rollup }] : [];
  };
  const perRow = rowSteps(0) / COLUMNS;
  let below: PlacedRow[] = [];
  for (let first = 0; first < blocks.length; first += perRow) {
    const inside = blocks.slice(first, first + perRow);
    accumulator.begin(0, first / perRow);
    for (const { firstStep, values } of inside) accumulator.addBlock(firstStep, offsets, values);
    below.push(...finish(0, first / perRow, inside.length * COLUMNS));
  }
  while (below.length > 0) {
    rows.push(...below);
    const level = (below[0]?.level ?? 0) + 1;
    const next: PlacedRow[] = [];
    for (let first = 0; first < below.length; first += 4) {
      const inside = below.slice(first, first + 4);
      accumulator.begin(level, first / 4);
      for (const row of inside) accumulator.addRollup(row.level, row.block, row.rollup);
      const columns = inside.reduce((sum, { rollup }) => sum + rollup.slots.length, 0);
      next.push(...finish(level, first / 4, columns));
    }
    below = next;
  }
  return rows;
}

/** All bytes of a row but its key. */
function rowBytes({ rollup }: PlacedRow, isRounded: boolean): number {
  const asItIs = layOutRollup(rollup, false);
  const stored = (isRounded ? roundRollup(rollup, false) : null) ?? asItIs;
  const planes = stored.minimum.length + stored.maximum.length + stored.mean.length;
  const { slots, reported } = rollup;
  return slots.byteLength + reported.byteLength + planes + (stored.exceptions?.length ?? 0);
}

function printStored(blocks: readonly Block[]): void {
  const datapoints = blocks.reduce((sum, { values }) => sum + values.length, 0);
  const metrics = [...new Set(blocks.map(({ metric }) => metric))];
  const rows = metrics.flatMap((metric) => rollUp(blocks.filter((it) => it.metric === metric)));
  const text = (bytes: number): string => (bytes / datapoints).toFixed(2).padStart(10);
  console.log(
    'as it is stored, with step offsets      blocks    rollups   together  bytes/datapoint',
  );
  for (const [name, dropped] of [
    ['exact', 0],
    ['rounded to 1e-3', ROUNDED_BITS],
  ] as const) {
    const ofBlocks = blocks.reduce(
      (sum, block) => sum + packedOrRaw(block, dropped).length + 2 * COLUMNS,
      0,
    );
    const ofRows = rows.reduce((sum, row) => sum + rowBytes(row, dropped !== 0), 0);
    console.log(`${name.padEnd(36)}${text(ofBlocks)} ${text(ofRows)} ${text(ofBlocks + ofRows)}`);
  }
}

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD']).toString().trim();
console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, commit ${commit}`,
);
for (const run of RUNS) {
  const blocks = readBlocks(run);
  const datapoints = blocks.reduce((sum, { values }) => sum + values.length, 0);
  const metrics = new Set(blocks.map(({ metric }) => metric)).size;
  console.log(
    `\n${run}: ${datapoints} datapoints of ${metrics} metrics, blocks of ${COLUMNS} steps`,
  );
  console.log('                                bytes/datapoint    pack ns  unpack ns');
  for (const { name, pack, unpack } of codecs) {
    const packed = blocks.map((block) => ({ block, bytes: pack(block) }));
    const bytes = packed.reduce((sum, item) => sum + item.bytes.length, 0);
    const packing = nanoseconds(() => blocks.forEach((block) => pack(block)), datapoints);
    const unpacking = nanoseconds(
      () => packed.forEach((item) => unpack(item.bytes, item.block)),
      datapoints,
    );
    console.log(
      `${name.padEnd(32)} ${(bytes / datapoints).toFixed(2).padStart(14)} ${packing.toFixed(1).padStart(10)} ${unpacking.toFixed(1).padStart(10)}`,
    );
  }
  const xor = blocks.reduce((sum, block) => sum + xorBytes(block), 0);
  console.log(
    `${'XOR in groups of 16 (size)'.padEnd(32)} ${(xor / datapoints).toFixed(2).padStart(14)}`,
  );
  printStored(blocks);
}
