/**
 * How numbers are written, everywhere: three significant digits, a true minus, a thin
 * space between thousands, "–" for what is missing and "NaN" for what is not finite.
 * The thin space is the narrow no-break one: at U+2009 a line may end in mid-number.
 */
export const THIN_SPACE = '\u202f';
export const TRUE_MINUS = '\u2212';
const MISSING = '–';

const withTrueMinus = (text: string): string => text.replace('-', TRUE_MINUS);

function groupThousands(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, THIN_SPACE);
}

/** "3e−5", "8.59e−4": `digits` significant digits at most, none of them idle zeros. */
function formatScientific(value: number, digits: number): string {
  const [mantissa = '', exponent = ''] = value.toExponential(digits - 1).split('e');
  return withTrueMinus(`${String(Number(mantissa))}e`) + withTrueMinus(exponent.replace('+', ''));
}

/**
 * Three significant digits; below 0.001 or from 100 000 on in powers of ten.
 *
 * Empty    null gives "–"
 * NaN/Inf  "NaN", "∞", "−∞"
 */
export function formatNumber(value: number | null): string {
  if (value === null) return MISSING;
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${TRUE_MINUS}∞`;
  if (value === 0) return '0';
  // Rounded first: 99 999.7 is 100 000 and changes its form.
  const rounded = Number(value.toPrecision(3));
  const magnitude = Math.abs(rounded);
  if (magnitude < 0.001 || Math.abs(value) >= 99_999.5) return formatScientific(value, 3);
  if (magnitude >= 1000) {
    return withTrueMinus(groupThousands(String(Math.round(value))));
  }
  return withTrueMinus(value.toPrecision(3));
}

/** A setting as a person would have typed it: 0.9, 3e−3, 1e−5, 1 024. */
export function formatSetting(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return formatNumber(value);
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude < 0.01 || magnitude >= 1e7) return formatScientific(value, 4);
  const [whole = '', fraction] = String(Number(value.toPrecision(7))).split('.');
  return withTrueMinus(groupThousands(whole) + (fraction === undefined ? '' : `.${fraction}`));
}

/** A whole number with thin-space thousands: "4 210". */
export function formatStep(step: number | null): string {
  return step === null ? MISSING : withTrueMinus(groupThousands(String(Math.round(step))));
}

export const formatCount = formatStep;

/** "Steps 1–640", or "Step 1" of one alone. */
export function formatSteps(fromStep: number, toStep: number): string {
  if (fromStep === toStep) return `Step ${formatStep(fromStep)}`;
  return `Steps ${formatStep(fromStep)}–${formatStep(toStep)}`;
}

/** "×82.9". */
export function formatFactor(factor: number | null): string {
  return factor === null ? MISSING : `×${formatNumber(factor)}`;
}

/** A share of 1 as "5 %"; below one percent a decimal is kept. */
export function formatPercent(share: number | null): string {
  if (share === null) return MISSING;
  if (!Number.isFinite(share)) return 'NaN';
  const percent = share * 100;
  const digits = percent !== 0 && Math.abs(percent) < 1 ? 1 : 0;
  return `${withTrueMinus(percent.toFixed(digits))}${THIN_SPACE}%`;
}

/** Fixed decimals: dip statistics take three, RMS_t two. */
export function formatFixed(value: number | null, decimals: number): string {
  if (value === null) return MISSING;
  if (!Number.isFinite(value)) return formatNumber(value);
  return withTrueMinus(value.toFixed(decimals));
}

const AGES = [
  { limitSeconds: 60, unitSeconds: 1, unit: 's' },
  { limitSeconds: 3600, unitSeconds: 60, unit: 'min' },
  { limitSeconds: 86_400, unitSeconds: 3600, unit: 'h' },
  { limitSeconds: 86_400 * 365, unitSeconds: 86_400, unit: 'd' },
  { limitSeconds: Infinity, unitSeconds: 86_400 * 365, unit: 'y' },
] as const;

/** "0.4 s", "14 min", "3 h", "2 d": whole units, tenths below ten seconds. */
export function formatAge(ageMs: number | null): string {
  if (ageMs === null) return MISSING;
  const seconds = Math.max(0, ageMs / 1000);
  const age = AGES.find(({ limitSeconds }) => seconds < limitSeconds) ?? AGES[4];
  const amount = seconds / age.unitSeconds;
  const text = age.unit === 's' && amount < 9.95 ? amount.toFixed(1) : String(Math.floor(amount));
  return `${text} ${age.unit}`;
}
