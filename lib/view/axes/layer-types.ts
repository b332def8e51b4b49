import type { Layer } from '../../contract/runs';

/**
 * What a layer is, whatever block it is in: its own `kind`, or its short name without the
 * block ("h.3.mlp.c_fc" is "mlp.c_fc"), or, outside of blocks, its name.
 */
export function layerTypes(
  layers: readonly Pick<Layer, 'kind'>[],
  shortNames: readonly string[],
): string[] {
  return shortNames.map((name, index) => {
    const kind = layers[index]?.kind;
    if (kind !== undefined && kind.length > 0) return kind;
    const rest = /\b\d+\.(.+)$/.exec(name)?.[1];
    return rest ?? name;
  });
}
