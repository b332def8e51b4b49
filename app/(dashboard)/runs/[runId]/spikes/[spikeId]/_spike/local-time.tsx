/** In the reader's zone; UTC on hover. */
export function LocalTime({ iso }: { readonly iso: string }) {
  return (
    <time dateTime={iso} title={iso} suppressHydrationWarning>
      {new Date(iso).toLocaleString()}
    </time>
  );
}
