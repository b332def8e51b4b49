import styles from './plot.module.css';

/** A choice that reads as a word of the title it stands in; the browser's own menu behind it. */
export function WordMenu<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  /** Names the control; it is not drawn. */
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly onChange: (value: T) => void;
}) {
  return (
    <select
      className={styles['word_menu']}
      aria-label={label}
      title={label}
      value={value}
      onChange={(event) => {
        const chosen = options.find((option) => option.value === event.target.value);
        if (chosen !== undefined) onChange(chosen.value);
      }}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
