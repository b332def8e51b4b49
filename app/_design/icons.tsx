/** The few line icons of the app, 12 × 12, in the colour of the text around them. */
const PATHS = {
  bell: 'M1.6 9h8.8L9.2 7.4V4.8a3.2 3.2 0 0 0-6.4 0v2.6zM4.8 10.9h2.4',
  arrowRight: 'M1.5 6h8.6M6.8 2.6 10.2 6 6.8 9.4',
  arrowDown: 'M6 1.5v8.6M2.6 6.8 6 10.2l3.4-3.4',
  arrowUp: 'M6 10.5V1.9M2.6 5.2 6 1.8l3.4 3.4',
  chevronDown: 'M2.5 4.2 6 7.8l3.5-3.6',
  chevronLeft: 'M7.6 2.4 4 6l3.6 3.6',
  chevronRight: 'M4.4 2.4 8 6l-3.6 3.6',
  check: 'm2 6.4 2.8 2.8L10.2 3',
  close: 'm2.5 2.5 7 7m0-7-7 7',
  copy: 'M4 4h6.5v6.5H4zM2.2 8H1.5V1.5H8v.7',
  more: 'M2.2 6h.01M6 6h.01M9.8 6h.01',
  pencil: 'm2 10 .6-2.6L8.4 1.6l2 2-5.8 5.8z',
  pin: 'M4 1.5h4L7.6 5l1.6 1.9H2.8L4.4 5zM6 7v3.8',
  search: 'M5 1.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM7.6 7.6l3 3',
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 12 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 12 12" aria-hidden style={{ flex: 'none' }}>
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        strokeWidth={1.3}
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

/** The product's sign: a trace at rest with one excursion. */
export function Logo() {
  return (
    <svg width={20} height={16} viewBox="0 0 20 16" aria-hidden style={{ flex: 'none' }}>
      <path
        d="M.8 9.2h4.1l2-4.4 2.9 9.4 2.6-12.4 2.2 7.4h4.6"
        fill="none"
        stroke="currentColor"
        strokeWidth={1.6}
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
