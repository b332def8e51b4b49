import type { Tick } from '@/lib/view/axes/ticks';

/** A tick as HTML: "10" with its exponent raised, or a plain number. */
export function TickText({ tick }: { readonly tick: Tick }) {
  return (
    <>
      {tick.text}
      {tick.exponent === null ? null : <sup>{tick.exponent}</sup>}
    </>
  );
}
