/** Colours in OKLab (Ottosson 2020), where equal distances look equal. */
export interface Oklab {
  readonly l: number;
  readonly a: number;
  readonly b: number;
}

const toLinear = (channel: number): number =>
  channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
const toGamma = (channel: number): number =>
  channel <= 0.0031308 ? channel * 12.92 : 1.055 * channel ** (1 / 2.4) - 0.055;

/** "#RRGGBB" to OKLab. Throws on another form: the stops are constants of ours. */
export function oklabFromHex(hex: string): Oklab {
  if (!/^#[0-9a-f]{6}$/i.test(hex)) throw new Error(`expected #RRGGBB, got ${hex}`);
  const channel = (start: number) => toLinear(parseInt(hex.slice(start, start + 2), 16) / 255);
  const [red, green, blue] = [channel(1), channel(3), channel(5)];
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const medium = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return {
    l: 0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short,
    a: 1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short,
    b: 0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short,
  };
}

/** OKLab to 8-bit sRGB; what lies outside the gamut is clipped by channel. */
export function rgbFromOklab({ l, a, b }: Oklab): readonly [number, number, number] {
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const to8Bit = (channel: number) => Math.round(255 * toGamma(Math.min(1, Math.max(0, channel))));
  return [
    to8Bit(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
    to8Bit(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
    to8Bit(-0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short),
  ];
}

export function mixOklab(from: Oklab, to: Oklab, share: number): Oklab {
  return {
    l: from.l + (to.l - from.l) * share,
    a: from.a + (to.a - from.a) * share,
    b: from.b + (to.b - from.b) * share,
  };
}
