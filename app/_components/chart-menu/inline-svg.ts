/** What decides how a shape looks; everything else is geometry, which attributes hold. */
const PAINTED = [
  'color',
  'display',
  'fill',
  'fill-opacity',
  'opacity',
  'paint-order',
  'stroke',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'stroke-opacity',
  'stroke-width',
  'vector-effect',
  'visibility',
] as const;

/**
 * An SVG of the page as an image that stands alone: each shape carries the look that the
 * page's styles give it. Text is left out, for such an image knows none of the page's fonts.
 */
export async function loadSvgImage(svg: SVGSVGElement): Promise<HTMLImageElement> {
  const { width, height } = svg.getBoundingClientRect();
  const copy = svg.cloneNode(true);
  if (!(copy instanceof SVGSVGElement)) throw new Error('an SVG has copied into something else');
  inlineStyles(svg, copy);
  for (const element of copy.querySelectorAll('text, title, desc')) element.remove();
  const natural = { width: svg.clientWidth || width, height: svg.clientHeight || height };
  if (!copy.hasAttribute('viewBox')) {
    copy.setAttribute('viewBox', `0 0 ${natural.width} ${natural.height}`);
    // A chart stretched while a zoom is on is stretched in its picture too.
    copy.setAttribute('preserveAspectRatio', 'none');
  }
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  const image = new Image(width, height);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  return image;
}

function inlineStyles(from: Element, to: Element): void {
  const look = getComputedStyle(from);
  const text = PAINTED.map((name) => `${name}:${look.getPropertyValue(name)}`).join(';');
  to.setAttribute('style', text);
  to.removeAttribute('class');
  for (let i = 0; i < from.children.length; i++) {
    const [source, target] = [from.children[i], to.children[i]];
    if (source !== undefined && target !== undefined) inlineStyles(source, target);
  }
}
