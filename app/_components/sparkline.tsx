/**
 * A small trace without axes. Values that are missing or not finite break the line.
 * Linear between its own extremes unless `log`.
 */
export function Sparkline({
  values,
  width,
  height,
  log = false,
  hasEndDot = false,
  label,
}: {
  readonly values: readonly (number | null)[];
  readonly width: number;
  readonly height: number;
  readonly log?: boolean;
  readonly hasEndDot?: boolean;
  readonly label: string;
}) {
  const inset = hasEndDot ? 3 : 1;
  const mapped = values.map((value) => {
    if (value === null || !Number.isFinite(value) || (log && value <= 0)) return null;
    return log ? Math.log10(value) : value;
  });
  const finite = mapped.filter((value) => value !== null);
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low;
  const x = (index: number) =>
    mapped.length < 2 ? width / 2 : (index / (mapped.length - 1)) * (width - inset - 1) + 0.5;
  const y = (value: number) =>
    span === 0 ? height / 2 : inset + (1 - (value - low) / span) * (height - 2 * inset);

  let path = '';
  let isOpen = false;
  let last: { x: number; y: number } | null = null;
  mapped.forEach((value, index) => {
    if (value === null) {
      isOpen = false;
      return;
    }
    last = { x: x(index), y: y(value) };
    path += `${isOpen ? 'L' : 'M'}${last.x.toFixed(1)} ${last.y.toFixed(1)}`;
    isOpen = true;
  });
  return (
    <svg width={width} height={height} role="img" aria-label={label} style={{ display: 'block' }}>
      <path d={path} fill="none" stroke="var(--trace2)" strokeWidth={1.1} strokeLinejoin="round" />
      {hasEndDot ? <EndDot at={last} /> : null}
    </svg>
  );
}

function EndDot({ at }: { readonly at: { readonly x: number; readonly y: number } | null }) {
  return at === null ? null : <circle cx={at.x} cy={at.y} r={1.8} fill="var(--trace)" />;
}
