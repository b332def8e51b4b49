import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';

export interface FileImport {
  readonly specifier: string;
  /** Repository path without extension for our own files; null for packages and builtins. */
  readonly target: string | null;
  /** Gone after compilation: it cannot make a cycle at run time. */
  readonly isTypeOnly: boolean;
}

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly imports: readonly FileImport[];
  readonly isClientEntry: boolean;
  readonly readsEnvironment: boolean;
}

const SOURCE = /\.(ts|tsx|mjs|js)$/;
const SKIPPED_FOLDERS = new Set(['node_modules', 'generated', 'fixtures']);

/** Every source file of the product below `root`, hidden and generated folders left out. */
export function readSourceFiles(root: string, folders: readonly string[]): SourceFile[] {
  const own = readdirSync(root).filter((name) => SOURCE.test(name) && !name.endsWith('.d.ts'));
  const nested = folders.flatMap((folder) => listFiles(root, folder));
  return [...own, ...nested].map((path) =>
    parseSource(path, readFileSync(join(root, path), 'utf8')),
  );
}

function listFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      const isSkipped = SKIPPED_FOLDERS.has(entry.name) || entry.name.startsWith('.');
      return isSkipped ? [] : listFiles(root, path);
    }
    return SOURCE.test(entry.name) ? [path] : [];
  });
}

export function parseSource(path: string, text: string): SourceFile {
  const kind = path.endsWith('.tsx') ? ts.ScriptKind.TSX : undefined;
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kind);
  const imports: FileImport[] = [];
  let readsEnvironment = false;

  const add = (node: ts.Node | undefined, isTypeOnly: boolean): void => {
    if (node === undefined || !ts.isStringLiteralLike(node)) return;
    imports.push({ specifier: node.text, target: resolve(path, node.text), isTypeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node)) {
      if (ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    } else if (ts.isCallExpression(node)) {
      const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
      if (isImport || node.expression.getText() === 'require') add(node.arguments[0], false);
    } else if (ts.isPropertyAccessExpression(node)) {
      if (/^(globalThis\.)?process\.env$/.test(node.getText())) readsEnvironment = true;
    } else if (ts.isVariableDeclaration(node) && node.initializer?.getText() === 'process') {
      if (/\benv\b/.test(node.name.getText())) readsEnvironment = true;
    }
    ts.forEachChild(node, visit);
  };
  visit(source);

  return {
    path,
    imports,
    isClientEntry: /^\s*(\/\*[\s\S]*?\*\/\s*|\/\/.*\n\s*)*['"]use client['"]/.test(text),
    readsEnvironment:
      readsEnvironment || imports.some(({ specifier }) => specifier === 'node:process'),
  };
}

function resolve(from: string, specifier: string): string | null {
  const path = specifier.startsWith('@/')
    ? specifier.slice(2)
    : specifier.startsWith('.')
      ? posix.join(dirname(from), specifier)
      : null;
  return path === null ? null : withoutExtension(posix.normalize(path));
}

export function withoutExtension(path: string): string {
  return path.replace(SOURCE, '');
}
