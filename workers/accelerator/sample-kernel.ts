/**
 * The statistics of samples as one program for the graphics card, in WGSL: a workgroup a
 * row, its counts and both histograms in the workgroup's own memory. Rows are read twice,
 * the second time from the card's cache: once for the means of r and u, then for all else.
 *
 * Values come as bits. Devices flush subnormals to 0 and may assume that there is no NaN,
 * so what a value is, its sign, and whether it is below ε are asked of its integer.
 */
import { RATIO_BIN_COUNT } from '../../lib/stats/ratio-edges';
import { UPDATE_BIN_COUNT } from '../../lib/stats/update-edges';
import { slotCountOf } from './count-bins';
import { AGREEMENT_COLUMNS, ROW_COLUMNS, type RowColumn, columnNames } from './row-columns';

/** Magnitudes at which bins begin, those of r before those of u. */
export const RATIO_MAGNITUDE_COUNT = RATIO_BIN_COUNT / 2;
export const UPDATE_MAGNITUDE_COUNT = UPDATE_BIN_COUNT / 2;
const EDGE_COUNT = RATIO_MAGNITUDE_COUNT + UPDATE_MAGNITUDE_COUNT;
const RATIO_SLOTS = slotCountOf(RATIO_MAGNITUDE_COUNT);
const UPDATE_SLOTS = slotCountOf(UPDATE_MAGNITUDE_COUNT);

/** What WebGPU promises of every device. */
const LANES = 256;

/** 32-bit words of a row's answer: slots of r, slots of u, and its columns. */
export function wordsOfRow(hasPrevious: boolean): number {
  return RATIO_SLOTS + UPDATE_SLOTS + columnNames(hasPrevious).length;
}

/** Names of what a workgroup counts, as indices of one array. */
const COUNTERS = [
  'wild',
  'gradientBelow',
  'rootBelow',
  'updateSmall',
  'zeros',
  'near',
  'nearFirst',
  'nearLast',
  'agreementEqual',
  'agreementPairs',
] as const satisfies readonly RowColumn[];
/** Bits of magnitudes, which compare as the magnitudes do. */
const MAXIMA = [
  'gradientMax',
  'ratioMax',
  'updateMax',
  'previousMax',
] as const satisfies readonly RowColumn[];
/** Where the two vectors hold what is added up. */
const SUMS: readonly (readonly [RowColumn, string])[] = [
  ['gradientSquares', '[0].x'],
  ['scaledSquares', '[0].y'],
  ['ratioSum', '[0].z'],
  ['ratioSquares', '[0].w'],
  ['updateSum', '[1].x'],
  ['updateSquares', '[1].y'],
  ['agreementProduct', '[1].z'],
  ['previousSquares', '[1].w'],
];

type Counter = (typeof COUNTERS)[number];
type Maximum = (typeof MAXIMA)[number];

const counter = (name: Counter): string => `counters[${COUNTERS.indexOf(name)}]`;
const maximum = (name: Maximum): string => `maxima[${MAXIMA.indexOf(name)}]`;

/** `column(…) = …;` for each of these columns, of what the workgroup has found. */
function storeColumns(columns: readonly RowColumn[]): string {
  return columns
    .map((name) => `storeColumn(${columnIndex(name)}u, row, ${found(name)});`)
    .join('\n');
}

function columnIndex(name: RowColumn): number {
  return columnNames(true).indexOf(name);
}

function found(name: RowColumn): string {
  const isCounter = COUNTERS.find((each) => each === name);
  // As float32 they are exact: a row has less than 2^24 coordinates.
  if (isCounter !== undefined) return `f32(atomicLoad(&${counter(isCounter)}))`;
  const isMaximum = MAXIMA.find((each) => each === name);
  if (isMaximum !== undefined) return `bitcast<f32>(atomicLoad(&${maximum(isMaximum)}))`;
  const sum = SUMS.find(([each]) => each === name);
  if (sum !== undefined) return `sumsOfLanes[0]${sum[1]}`;
  if (name === 'updateShift') return 'first.y + rest.y';
  throw new Error(`the program finds no ${name}`);
}

export const SAMPLE_KERNEL = `
struct Parameters {
  sampleCount: u32,
  rowCount: u32,
  hasPrevious: u32,
  hasEpsilon: u32,
  epsilonAtOrAbove: u32,
  epsilonSquared: u32,
  epsilon: f32,
  smallUpdate: f32,
  smallestQuotient: f32,
  largestQuotient: f32,
  justBelow: f32,
  justAbove: f32,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> edges: array<f32>;
@group(0) @binding(2) var<storage, read> samples: array<u32>;
@group(0) @binding(3) var<storage, read_write> answer: array<u32>;

var<workgroup> ownEdges: array<f32, ${EDGE_COUNT}>;
var<workgroup> ratioSlots: array<atomic<u32>, ${RATIO_SLOTS}>;
var<workgroup> updateSlots: array<atomic<u32>, ${UPDATE_SLOTS}>;
var<workgroup> counters: array<atomic<u32>, ${COUNTERS.length}>;
var<workgroup> maxima: array<atomic<u32>, ${MAXIMA.length}>;
var<workgroup> sumsOfLanes: array<array<vec4<f32>, 2>, ${LANES}>;

// r, u and max(√v, ε); a 0 below is a 1 here: in a row that counts, m is 0 there too.
fn quotientsOf(firstBits: u32, secondBits: u32) -> vec3<f32> {
  let first = bitcast<f32>(firstBits);
  let isZero = secondBits == 0u;
  let root = select(sqrt(bitcast<f32>(secondBits)), 0.0, isZero);
  let divisor = select(root, 1.0, isZero);
  let hasEpsilon = parameters.hasEpsilon != 0u;
  return vec3<f32>(
    first / divisor,
    first / select(divisor, root + parameters.epsilon, hasEpsilon),
    select(divisor, max(root, parameters.epsilon), hasEpsilon),
  );
}

// Subnormal, infinite or not a number; \`magnitude\` has no sign bit.
fn isWild(magnitude: u32) -> bool {
  return magnitude != 0u && (magnitude < 0x00800000u || magnitude >= 0x7f800000u);
}

fn isOutside(size: f32) -> bool {
  return size < parameters.smallestQuotient || size > parameters.largestQuotient;
}

// How many of the edges [start, start + count) are at or below the value.
fn edgesUpTo(start: u32, count: u32, value: f32) -> u32 {
  var low = 0u;
  var high = count;
  while (low < high) {
    let middle = (low + high) >> 1u;
    if (ownEdges[start + middle] <= value) {
      low = middle + 1u;
    } else {
      high = middle;
    }
  }
  return low;
}

// Whether the next edge is too near to say on which side of it the value lies.
fn isNear(start: u32, count: u32, below: u32, size: f32) -> bool {
  return below < count && ownEdges[start + min(below, count - 1u)] <= size * parameters.justAbove;
}

// Underflow 0, bins 1 … 2·half, overflow 2·half + 1.
fn slotOf(half: u32, below: u32, isNegative: bool) -> u32 {
  return select(half + 1u + below, half - below, isNegative);
}

// Adds up \`sumsOfLanes\` over all lanes; the sum is in its first.
fn addUp(lane: u32) {
  for (var stride = ${LANES / 2}u; stride > 0u; stride >>= 1u) {
    workgroupBarrier();
    if (lane < stride) {
      sumsOfLanes[lane][0] += sumsOfLanes[lane + stride][0];
      sumsOfLanes[lane][1] += sumsOfLanes[lane + stride][1];
    }
  }
  workgroupBarrier();
}

fn storeColumn(column: u32, row: u32, value: f32) {
  let start = parameters.rowCount * ${RATIO_SLOTS + UPDATE_SLOTS}u;
  answer[start + column * parameters.rowCount + row] = bitcast<u32>(value);
}

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  let count = parameters.sampleCount;
  let length = parameters.rowCount * count;
  let start = row * count;
  let end = start + count;
  for (var i = lane; i < ${EDGE_COUNT}u; i += ${LANES}u) {
    ownEdges[i] = edges[i];
  }
  if (lane == 0u) {
    atomicStore(&${counter('nearFirst')}, count);
  }

  // From the first coordinate, so that equal values deviate by exactly 0.
  let first = quotientsOf(samples[length + start], samples[2u * length + start]);
  var fromFirst = vec2<f32>(0.0);
  for (var i = start + lane; i < end; i += ${LANES}u) {
    fromFirst += quotientsOf(samples[length + i], samples[2u * length + i]).xy - first.xy;
  }
  sumsOfLanes[lane][0] = vec4<f32>(fromFirst, 0.0, 0.0);
  sumsOfLanes[lane][1] = vec4<f32>(0.0);
  addUp(lane);
  let rest = sumsOfLanes[0][0].xy / f32(count);
  workgroupBarrier();

  var sums = vec4<f32>(0.0);
  var others = vec4<f32>(0.0);
  var maxGradient = 0u;
  var maxRatio = 0.0;
  var maxUpdate = 0.0;
  var maxPrevious = 0u;
  var gradientBelow = 0u;
  var rootBelow = 0u;
  var updateSmall = 0u;
  var zeros = 0u;
  var pairs = 0u;
  var equalPairs = 0u;
  for (var i = start + lane; i < end; i += ${LANES}u) {
    let gradientBits = samples[i];
    let firstBits = samples[length + i];
    let secondBits = samples[2u * length + i];
    let gradientSize = gradientBits & 0x7fffffffu;
    let firstSize = firstBits & 0x7fffffffu;
    let gradient = bitcast<f32>(gradientBits);
    let quotients = quotientsOf(firstBits, secondBits);
    let sizes = abs(quotients.xy);
    let isZero = firstSize == 0u;
    let isZeroVariance = secondBits == 0u;

    var isOdd = isWild(gradientSize) || isWild(firstSize);
    isOdd = isOdd || (!isZeroVariance && (secondBits < 0x00800000u || secondBits >= 0x7f800000u));
    isOdd = isOdd || (!isZero && (isZeroVariance || isOutside(sizes.x) || isOutside(sizes.y)));
    // Without ε a gradient over v = 0 makes RMS_t infinite.
    isOdd = isOdd || (parameters.hasEpsilon == 0u && isZeroVariance && gradientSize != 0u);

    maxGradient = max(maxGradient, gradientSize);
    maxRatio = max(maxRatio, sizes.x);
    maxUpdate = max(maxUpdate, sizes.y);
    gradientBelow += u32(gradientSize < parameters.epsilonAtOrAbove);
    rootBelow += u32(secondBits < parameters.epsilonSquared);
    let scaled = gradient / quotients.z;
    let deviations = (quotients.xy - first.xy) - rest;
    sums += vec4<f32>(gradient * gradient, scaled * scaled, deviations.x, deviations.x * deviations.x);
    others += vec4<f32>(deviations.y, deviations.y * deviations.y, 0.0, 0.0);

    if (parameters.hasPrevious != 0u) {
      let previousBits = samples[3u * length + i];
      let previousSize = previousBits & 0x7fffffffu;
      let previous = bitcast<f32>(previousBits);
      isOdd = isOdd || isWild(previousSize);
      maxPrevious = max(maxPrevious, previousSize);
      others += vec4<f32>(0.0, 0.0, gradient * previous, previous * previous);
      let isPair = gradientSize != 0u && previousSize != 0u;
      pairs += u32(isPair);
      equalPairs += u32(isPair && ((gradientBits ^ previousBits) & 0x80000000u) == 0u);
    }
    if (isOdd) {
      atomicAdd(&${counter('wild')}, 1u);
    }

    // Near nothing: 0 is below all edges.
    if (isZero) {
      zeros += 1u;
      updateSmall += 1u;
      continue;
    }
    let ratioEdges = edgesUpTo(0u, ${RATIO_MAGNITUDE_COUNT}u, sizes.x * parameters.justBelow);
    let updateEdges = edgesUpTo(
      ${RATIO_MAGNITUDE_COUNT}u, ${UPDATE_MAGNITUDE_COUNT}u, sizes.y * parameters.justBelow);
    if (isNear(0u, ${RATIO_MAGNITUDE_COUNT}u, ratioEdges, sizes.x)
      || isNear(${RATIO_MAGNITUDE_COUNT}u, ${UPDATE_MAGNITUDE_COUNT}u, updateEdges, sizes.y)) {
      atomicAdd(&${counter('near')}, 1u);
      atomicMin(&${counter('nearFirst')}, i - start);
      atomicMax(&${counter('nearLast')}, i - start);
      continue;
    }
    updateSmall += u32(sizes.y < parameters.smallUpdate);
    let isNegative = firstBits != firstSize;
    atomicAdd(&ratioSlots[slotOf(${RATIO_MAGNITUDE_COUNT}u, ratioEdges, isNegative)], 1u);
    atomicAdd(&updateSlots[slotOf(${UPDATE_MAGNITUDE_COUNT}u, updateEdges, isNegative)], 1u);
  }

  atomicMax(&${maximum('gradientMax')}, maxGradient);
  atomicMax(&${maximum('ratioMax')}, bitcast<u32>(maxRatio));
  atomicMax(&${maximum('updateMax')}, bitcast<u32>(maxUpdate));
  atomicMax(&${maximum('previousMax')}, maxPrevious);
  atomicAdd(&${counter('gradientBelow')}, gradientBelow);
  atomicAdd(&${counter('rootBelow')}, rootBelow);
  atomicAdd(&${counter('updateSmall')}, updateSmall);
  atomicAdd(&${counter('zeros')}, zeros);
  atomicAdd(&${counter('agreementPairs')}, pairs);
  atomicAdd(&${counter('agreementEqual')}, equalPairs);
  sumsOfLanes[lane][0] = sums;
  sumsOfLanes[lane][1] = others;
  addUp(lane);

  for (var i = lane; i < ${RATIO_SLOTS}u; i += ${LANES}u) {
    answer[row * ${RATIO_SLOTS}u + i] = atomicLoad(&ratioSlots[i]);
  }
  let updateStart = parameters.rowCount * ${RATIO_SLOTS}u + row * ${UPDATE_SLOTS}u;
  for (var i = lane; i < ${UPDATE_SLOTS}u; i += ${LANES}u) {
    answer[updateStart + i] = atomicLoad(&updateSlots[i]);
  }
  if (lane == 0u) {
    ${storeColumns(ROW_COLUMNS)}
    if (parameters.hasPrevious != 0u) {
      ${storeColumns(AGREEMENT_COLUMNS)}
    }
  }
}
`;
