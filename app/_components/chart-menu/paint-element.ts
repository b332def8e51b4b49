/** Elements with this attribute are tools, not picture: the crosshair, buttons of menus. */
const LEFT_OUT = '[data-no-picture]';

export type SvgImages = ReadonlyMap<SVGSVGElement, HTMLImageElement>;

const isPainted = (colour: string): boolean =>
  colour !== 'transparent' && !/^rgba\(.*, 0\)$/.test(colour);

/**
 * Paints a part of the page as it stands on the screen, in client coordinates: boxes, words,
 * canvases and, from `images`, SVGs. Knows what the app's charts are made of, no more.
 */
export function paintElement(
  context: CanvasRenderingContext2D,
  element: Element,
  images: SvgImages,
): void {
  const style = getComputedStyle(element);
  const isHidden = style.display === 'none' || style.visibility === 'hidden';
  // Words for readers alone are cut to nothing.
  if (isHidden || style.clipPath.startsWith('inset(50%') || element.matches(LEFT_OUT)) return;
  const box = element.getBoundingClientRect();
  context.save();
  context.globalAlpha *= Number(style.opacity);
  if (element instanceof SVGSVGElement) {
    const image = images.get(element);
    if (image !== undefined) context.drawImage(image, box.left, box.top, box.width, box.height);
    for (const text of element.querySelectorAll('text')) paintSvgText(context, text);
  } else {
    paintBox(context, box, style);
    if (style.overflowX !== 'visible' || style.overflowY !== 'visible') {
      context.beginPath();
      context.rect(box.left - 1, box.top - 1, box.width + 2, box.height + 2);
      context.clip();
    }
    if (element instanceof HTMLCanvasElement) {
      context.imageSmoothingEnabled = false;
      context.drawImage(element, box.left, box.top, box.width, box.height);
    }
    paintBefore(context, element, box);
    for (const child of element.childNodes) {
      if (child instanceof Element) paintElement(context, child, images);
      else if (child instanceof Text) paintText(context, child, style);
    }
  }
  context.restore();
}

function paintBox(context: CanvasRenderingContext2D, box: DOMRect, style: CSSStyleDeclaration) {
  const { left, top, width, height } = box;
  if (isPainted(style.backgroundColor)) {
    context.fillStyle = style.backgroundColor;
    context.beginPath();
    context.roundRect(left, top, width, height, parseFloat(style.borderTopLeftRadius) || 0);
    context.fill();
  }
  const sides = [
    ['Top', left, top, width, 0],
    ['Bottom', left, top + height, width, 0],
    ['Left', left, top, 0, height],
    ['Right', left + width, top, 0, height],
  ] as const;
  for (const [side, x, y, w, h] of sides) {
    const thickness = parseFloat(style[`border${side}Width`]) || 0;
    if (thickness === 0 || style[`border${side}Style`] === 'none') continue;
    context.fillStyle = style[`border${side}Color`];
    const isFar = side === 'Bottom' || side === 'Right';
    context.fillRect(
      isFar && w === 0 ? x - thickness : x,
      isFar && h === 0 ? y - thickness : y,
      w === 0 ? thickness : w,
      h === 0 ? thickness : h,
    );
  }
}

/** The ticks of axes are pseudo-elements: boxes of one colour, placed by pixels. */
function paintBefore(context: CanvasRenderingContext2D, element: Element, box: DOMRect) {
  const style = getComputedStyle(element, '::before');
  if (style.content === 'none' || style.position !== 'absolute') return;
  if (!isPainted(style.backgroundColor)) return;
  const [left, top, width, height] = [style.left, style.top, style.width, style.height].map(
    (length) => parseFloat(length) || 0,
  );
  context.fillStyle = style.backgroundColor;
  context.fillRect(box.left + (left ?? 0), box.top + (top ?? 0), width ?? 0, height ?? 0);
}

/** Word by word where the page has set them: a canvas would break lines and spaces otherwise. */
function paintText(context: CanvasRenderingContext2D, node: Text, style: CSSStyleDeclaration) {
  setFont(context, style);
  context.fillStyle = style.color;
  const range = document.createRange();
  for (const { 0: word, index } of node.data.matchAll(/\S+/g)) {
    range.setStart(node, index);
    range.setEnd(node, index + word.length);
    const [box] = range.getClientRects();
    if (box === undefined) continue;
    const { fontBoundingBoxAscent: ascent, fontBoundingBoxDescent: descent } =
      context.measureText(word);
    context.fillText(word, box.left, box.top + (box.height - ascent - descent) / 2 + ascent);
  }
}

function paintSvgText(context: CanvasRenderingContext2D, text: SVGTextElement) {
  const matrix = text.getScreenCTM();
  const word = text.textContent;
  if (matrix === null || word.length === 0 || text.getNumberOfChars() === 0) return;
  const style = getComputedStyle(text);
  const start = text.getStartPositionOfChar(0).matrixTransform(matrix);
  context.save();
  setFont(context, style);
  context.fillStyle = style.fill;
  context.translate(start.x, start.y);
  context.rotate(Math.atan2(matrix.b, matrix.a));
  const scale = Math.hypot(matrix.a, matrix.b);
  context.scale(scale, scale);
  context.fillText(word, 0, 0);
  context.restore();
}

function setFont(context: CanvasRenderingContext2D, style: CSSStyleDeclaration) {
  context.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  context.textBaseline = 'alphabetic';
  context.textAlign = 'left';
}
