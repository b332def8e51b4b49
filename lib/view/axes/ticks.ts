/** A tick and how it is written: a plain text, or a power of ten with its exponent raised. */
export interface Tick {
  readonly value: number;
  readonly text: string;
  /** Drawn raised after `text`; null for plain numbers. */
  readonly exponent: string | null;
}

const TRUE_MINUS = '\u2212';
const THIN_SPACE = '\u202f';

function plainTick(value: number): Tick {
  const text = String(Number(value.toPrecision(10)));
  if (text.includes('e')) {
    // As numbers are written elsewhere, and ungrouped: 5e30.
    return { value, text: text.replace('+', '').replaceAll('-', TRUE_MINUS), exponent: null };
  }
  const [whole = '', fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, THIN_SPACE);
  return {
    value,
    text: (fraction === undefined ? grouped : `${grouped}.${fraction}`).replace('-', TRUE_MINUS),
    exponent: null,
  };
}

/** 0.1, 1, 10 and 100 are written out where `plainFrom`…`plainTo` says so; else 10ⁿ. */
function powerTick(exponent: number): Tick {
  const value = 10 ** exponent;
  if (exponent === 0) return { value, text: '1', exponent: null };
  if (exponent === 1) return { value, text: '10', exponent: null };
  return { value, text: '10', exponent: String(exponent).replace('-', TRUE_MINUS) };
}

/** Between 0.001 and 1 000 numbers stand side by side as they are; 10⁻¹ beside 0.2 would not read. */
function plainOrPowerTick(value: number, factor: number, exponent: number): Tick {
  return factor === 1 && Math.abs(exponent) > 3 ? powerTick(exponent) : plainTick(value);
}

/** Round steps of 1, 2 or 5 times a power of ten, at most `count` of them or so. */
export function niceStep(span: number, count: number): number {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const fraction = rough / power;
  return power * (fraction <= 1 ? 1 : fraction <= 2 ? 2 : fraction <= 5 ? 5 : 10);
}

/**
 * Ticks of a linear axis within [low, high].
 *
 * Empty  an empty or unordered domain gives no tick
 */
export function linearTicks(low: number, high: number, count: number): Tick[] {
  if (!(high > low) || count < 1) return [];
  const step = niceStep(high - low, count);
  const ticks: Tick[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push(plainTick(i * step));
  }
  return ticks;
}

/** Whole steps within [low, high]; never a fraction of a step. */
export function stepTicks(low: number, high: number, count: number): Tick[] {
  if (!(high > low)) return [plainTick(Math.round(low))];
  const step = Math.max(1, niceStep(high - low, count));
  const ticks: Tick[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9; i++) {
    ticks.push(plainTick(i * step));
  }
  return ticks;
}

/**
 * Ticks of a logarithmic axis: whole decades, thinned to `count`; within less than two
 * decades 1, 2 and 5 of each, so that an axis is never without two numbers.
 */
export function logTicks(low: number, high: number, count: number): Tick[] {
  if (!(low > 0) || !(high > low) || count < 1) return [];
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  if (last - first >= 1) {
    const every = Math.max(1, Math.ceil((last - first + 1) / count));
    const ticks: Tick[] = [];
    for (let exponent = first; exponent <= last; exponent++) {
      if (exponent % every === 0) ticks.push(powerTick(exponent));
    }
    return ticks;
  }
  const ticks = fineLogTicks(low, high);
  return ticks.length >= 2 ? ticks : linearTicks(low, high, Math.max(count, 4));
}

/** 1, 2 and 5 of every decade: for an axis on which whole decades alone would be one number. */
export function fineLogTicks(low: number, high: number): Tick[] {
  const ticks: Tick[] = [];
  const last = Math.floor(Math.log10(high) + 1e-9);
  for (let exponent = Math.floor(Math.log10(low)); exponent <= last + 1; exponent++) {
    for (const factor of [1, 2, 5]) {
      const value = Number(`${factor}e${exponent}`);
      if (value >= low && value <= high) ticks.push(plainOrPowerTick(value, factor, exponent));
    }
  }
  return ticks;
}
