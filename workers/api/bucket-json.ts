/**
 * Replies of buckets as JSON text, the same that `JSON.stringify` makes of them. A series is
 * a thousand buckets of six known fields, of which the numbers alone are worth formatting:
 * all of them in one call, which takes half as long as one by one, and a bucket of one step
 * once instead of three times.
 */
import type { Bucket, SeriesReply, TimelineReply } from '../../lib/contract/reads';

export function seriesJson({ points, ...head }: SeriesReply): string {
  return `${JSON.stringify(head).slice(0, -1)},"points":${bucketsJson(points)}}`;
}

export function timelineJson({ series }: TimelineReply): string {
  const parts = series.map(
    ({ name, points }) => `{"name":${JSON.stringify(name)},"points":${bucketsJson(points)}}`,
  );
  return `{"series":[${parts.join(',')}]}`;
}

function bucketsJson(points: readonly Bucket[]): string {
  const values: (number | null)[] = [];
  for (const { min, max, mean } of points) {
    values.push(min);
    if (min !== max || min !== mean) values.push(max, mean);
  }
  const texts = JSON.stringify(values).slice(1, -1).split(',');
  let at = 0;
  let text = '';
  let separator = '';
  for (const { fromStep, toStep, min, max, mean, nonFiniteCount } of points) {
    const minText = texts[at++] ?? '';
    const isOne = min === max && min === mean;
    const maxText = isOne ? minText : texts[at++];
    const meanText = isOne ? minText : texts[at++];
    text += `${separator}{"fromStep":${fromStep},"toStep":${toStep},"min":${minText},"max":${maxText},"mean":${meanText},"nonFiniteCount":${nonFiniteCount}}`;
    separator = ',';
  }
  return `[${text}]`;
}
