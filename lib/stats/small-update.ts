/** |u| below this moves a weight by less than a hundredth of the learning rate. */
export const SMALL_UPDATE = 0.01;
