import styles from './layer-name.module.css';

/**
 * A layer's name in the room there is. What does not fit is cut at its beginning: names of one
 * model differ at their ends. Who rests on it sees it whole.
 */
export function LayerName({ name }: { readonly name: string }) {
  return (
    <span className={styles['name']} title={name}>
      <bdi>{name}</bdi>
    </span>
  );
}
