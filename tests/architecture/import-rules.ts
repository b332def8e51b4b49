import { withoutExtension, type FileImport, type SourceFile } from './source-files';

export interface FolderRule {
  readonly folder: string;
  /** Folders (or files) of ours beside its own. */
  readonly imports: readonly string[];
  /** Packages, whole or by subpath; `node:` stands for all of Node's own modules. */
  readonly packages: readonly string[];
}

export interface RuleException {
  readonly file: string;
  readonly imports: string;
  readonly reason: string;
}

function lies(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** The rule of the deepest folder that holds the file. */
function ruleOf(path: string, rules: readonly FolderRule[]): FolderRule | undefined {
  return rules
    .filter(({ folder }) => lies(path, folder))
    .sort((a, b) => b.folder.length - a.folder.length)[0];
}

function isAllowed(entry: FileImport, rule: FolderRule): boolean {
  const { specifier, target } = entry;
  if (target !== null) {
    return [rule.folder, ...rule.imports].some((folder) => lies(target, withoutExtension(folder)));
  }
  return rule.packages.some((name) =>
    name.endsWith(':') ? specifier.startsWith(name) : lies(specifier, name),
  );
}

/** One sentence for each import that no rule and no exception allows. */
export function findForbiddenImports(
  files: readonly SourceFile[],
  rules: readonly FolderRule[],
  exceptions: readonly RuleException[],
): string[] {
  return files.flatMap((file) => {
    const rule = ruleOf(file.path, rules);
    if (rule === undefined) return [`${file.path} lies in a folder without a rule`];
    return file.imports
      .filter((entry) => !isAllowed(entry, rule))
      .filter(({ target, specifier }) => !isExcepted(file.path, target ?? specifier, exceptions))
      .map(({ specifier }) => `${file.path} imports ${specifier}, which ${rule.folder} may not`);
  });
}

function isExcepted(path: string, target: string, exceptions: readonly RuleException[]): boolean {
  return exceptions.some(({ file, imports }) => matches(path, file) && lies(target, imports));
}

/** `*` in a pattern is one path segment. */
export function matches(path: string, pattern: string): boolean {
  const expression = pattern
    .split('/')
    .map((part) => (part === '*' ? '[^/]+' : part.replace(/[.[\]()]/g, '\\$&')))
    .join('/');
  return new RegExp(`^${expression}(/|$)`).test(path);
}

/** Exceptions that allow nothing any more. */
export function findIdleExceptions(
  files: readonly SourceFile[],
  exceptions: readonly RuleException[],
): string[] {
  return exceptions
    .filter(
      ({ file, imports }) =>
        !files.some(
          (source) =>
            matches(source.path, file) &&
            source.imports.some(({ target, specifier }) => lies(target ?? specifier, imports)),
        ),
    )
    .map(({ file, imports }) => `${file} → ${imports}`);
}

function valueTargets(file: SourceFile, byName: ReadonlyMap<string, SourceFile>): SourceFile[] {
  return file.imports.flatMap(({ target, isTypeOnly }) => {
    if (isTypeOnly || target === null) return [];
    const found = byName.get(target) ?? byName.get(`${target}/index`);
    return found === undefined ? [] : [found];
  });
}

function indexByName(files: readonly SourceFile[]): Map<string, SourceFile> {
  return new Map(files.map((file) => [withoutExtension(file.path), file]));
}

/** Each way in which files import each other in a ring at run time: "a → b → a". */
export function findCycles(files: readonly SourceFile[]): string[] {
  const byName = indexByName(files);
  const done = new Set<SourceFile>();
  const trail: SourceFile[] = [];
  const cycles: string[] = [];
  const visit = (file: SourceFile): void => {
    const position = trail.indexOf(file);
    if (position >= 0) {
      cycles.push([...trail.slice(position), file].map(({ path }) => path).join(' → '));
      return;
    }
    if (done.has(file)) return;
    trail.push(file);
    for (const target of valueTargets(file, byName)) visit(target);
    trail.pop();
    done.add(file);
  };
  files.forEach(visit);
  return cycles;
}

/** Files that reach a browser: those that say 'use client' and all that they import. */
export function findClientFiles(files: readonly SourceFile[]): Set<SourceFile> {
  const byName = indexByName(files);
  const found = new Set<SourceFile>();
  const visit = (file: SourceFile): void => {
    if (found.has(file)) return;
    found.add(file);
    valueTargets(file, byName).forEach(visit);
  };
  files.filter(({ isClientEntry }) => isClientEntry).forEach(visit);
  return found;
}
