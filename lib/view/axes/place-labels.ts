/** A text that wants to stand from `left` to `right`, in px. */
export interface LabelBox {
  readonly left: number;
  readonly right: number;
}

/**
 * Which labels of one line are written: in the order given, the most important first, each
 * that touches none before it.
 *
 * Empty  an empty list
 * Cost   O(n²); a line holds a few dozen
 */
export function chooseLabels(boxes: readonly LabelBox[], gap: number): readonly number[] {
  const chosen: number[] = [];
  boxes.forEach(({ left, right }, index) => {
    const isFree = chosen.every((other) => {
      const box = boxes[other];
      return box === undefined || right + gap <= box.left || left >= box.right + gap;
    });
    if (isFree) chosen.push(index);
  });
  return chosen;
}
