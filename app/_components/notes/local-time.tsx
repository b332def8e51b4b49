import { formatWallTime, readersZone, utcZone } from '@/lib/view/text/wall-time';

/** A moment in the reader's own zone, to the second; in UTC on hover. Drawn in the browser alone. */
export function LocalTime({ iso }: { readonly iso: string }) {
  const seconds = Date.parse(iso) / 1000;
  return (
    <time dateTime={iso} title={formatWallTime(seconds, utcZone)}>
      {formatWallTime(seconds, readersZone)}
    </time>
  );
}
