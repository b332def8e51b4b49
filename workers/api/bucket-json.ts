/**
 * Replies of buckets as JSON text, the same that `JSON.stringify` makes of them. A series is
 * a thousand buckets of six known fields, of which the numbers alone are worth formatting:
 * all of them in one call, which takes half as long as one by one, and a bucket of one step
 * once instead of three times. Buckets come as columns: a thousand objects of numbers would
 * be thrown away as soon as they are made.
 */
import type { SeriesColumns } from '../../lib/query/read-series';
import type { TimelineColumns } from '../../lib/query/read-timeline';
import type { BucketColumns } from '../../lib/query/scalar-buckets';

/** As UTF-8. */
export function seriesJson({ points, ...head }: SeriesColumns): Buffer {
  const text = JSON.stringify(head).slice(0, -1);
  return toBytes([aText(`${text},"points":`), bucketsJson(points), aText('}')]);
}

/** As UTF-8. */
export function timelineJson({ series }: TimelineColumns): Buffer {
  const parts = series.flatMap(({ name, points }, index) => [
    aText(`${index === 0 ? '' : ','}{"name":${JSON.stringify(name)},"points":`),
    bucketsJson(points),
    aText('}'),
  ]);
  return toBytes([aText('{"series":['), ...parts, aText(']}')]);
}

interface Piece {
  readonly text: string;
  readonly encoding: 'utf8' | 'latin1';
}

function aText(text: string): Piece {
  return { text, encoding: 'utf8' };
}

/** Buckets are digits and names of fields: as many bytes as characters, which need no counting. */
function toBytes(pieces: readonly Piece[]): Buffer {
  let length = 0;
  for (const { text, encoding } of pieces) length += Buffer.byteLength(text, encoding);
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { text, encoding } of pieces) at += bytes.write(text, at, encoding);
  return bytes;
}

function bucketsJson(columns: BucketColumns): Piece {
  const { count, fromStep, toStep, min, max, mean, nonFiniteCount } = columns;
  const values: number[] = [];
  for (let index = 0; index < count; index++) {
    const lowest = min[index] ?? NaN;
    const highest = max[index] ?? NaN;
    const middle = mean[index] ?? NaN;
    // What is not finite becomes null.
    values.push(lowest);
    if (!isOne(lowest, highest, middle)) values.push(highest, middle);
  }
  const texts = JSON.stringify(values).slice(1, -1).split(',');
  let at = 0;
  let text = '';
  for (let index = 0; index < count; index++) {
    const minText = texts[at++] ?? '';
    let [maxText, meanText] = [minText, minText];
    if (!isOne(min[index] ?? NaN, max[index] ?? NaN, mean[index] ?? NaN)) {
      maxText = texts[at++] ?? '';
      meanText = texts[at++] ?? '';
    }
    text += `${index === 0 ? '' : ','}{"fromStep":${fromStep[index] ?? 0},"toStep":${toStep[index] ?? 0},"min":${minText},"max":${maxText},"mean":${meanText},"nonFiniteCount":${nonFiniteCount[index] ?? 0}}`;
  }
  return { text: `[${text}]`, encoding: 'latin1' };
}

/** Whether one text does for all three. */
function isOne(min: number, max: number, mean: number): boolean {
  return min === max && min === mean;
}
