/** Enough to see what is wrong; more than a client of a newer contract would send. */
const MAX_PATHS = 64;

/**
 * Fields that no schema knows: a misspelt `learning_rate`, or one of a newer contract. They
 * are told, since a value that is lost in silence is missed when it is too late. Of each
 * there is one path, that of the first item of a list which has it.
 */
export class IgnoredFields {
  readonly #pathByField = new Map<string, string>();

  get paths(): readonly string[] {
    return [...this.#pathByField.values()];
  }

  /** `path` and `field` end in a dot, or are empty; `field` has no places within lists. */
  note(value: unknown, known: object, path: string, field = path): void {
    if (!isObject(value)) return;
    for (const key of Object.keys(value)) {
      const name = `${field}${key}`;
      if (Object.hasOwn(known, key) || this.#pathByField.has(name)) continue;
      if (this.#pathByField.size < MAX_PATHS) this.#pathByField.set(name, `${path}${key}`);
    }
  }

  /** What is in `raw` at any depth and not in what a schema made of it. */
  noteDropped(raw: unknown, parsed: unknown, path = '', field = ''): void {
    if (Array.isArray(raw) && Array.isArray(parsed)) {
      raw.forEach((item, index) => {
        this.noteDropped(item, parsed[index], `${path}${index}.`, field);
      });
    } else if (isObject(raw) && isObject(parsed)) {
      this.note(raw, parsed, path, field);
      for (const [key, value] of Object.entries(parsed)) {
        this.noteDropped(raw[key], value, `${path}${key}.`, `${field}${key}.`);
      }
    }
  }
}

/** Paths of the fields of a body that its schema left out. */
export function findIgnoredFields(raw: unknown, parsed: unknown): readonly string[] {
  const ignored = new IgnoredFields();
  ignored.noteDropped(raw, parsed);
  return ignored.paths;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
