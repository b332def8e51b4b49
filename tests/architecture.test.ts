import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  findClientFiles,
  findCycles,
  findForbiddenImports,
  findIdleExceptions,
  matches,
  type FolderRule,
  type RuleException,
} from './architecture/import-rules';
import { parseSource, readSourceFiles } from './architecture/source-files';

/**
 * Who may import what. A folder may import itself, the folders of its row and the packages
 * of its row; everything else fails here. `docs/architecture.md` says why.
 */
const LIB = ['lib/contract', 'lib/stats', 'lib/detect', 'lib/store', 'lib/query'];
const WORKER = ['node:', 'pino', 'prom-client', 'zod'];

const RULES: readonly FolderRule[] = [
  // Pure: runs in a worker, a browser and a training job alike.
  { folder: 'lib/contract', imports: [], packages: ['zod'] },
  { folder: 'lib/stats', imports: [], packages: [] },
  { folder: 'lib/detect', imports: ['lib/stats', 'lib/contract'], packages: [] },
  { folder: 'lib/view', imports: ['lib/contract', 'lib/stats'], packages: [] },
  {
    folder: 'lib/postmortem',
    imports: ['lib/contract', 'lib/stats', 'lib/view'],
    packages: [],
  },
  {
    folder: 'lib/alerts',
    // The view's words: what a message says is what a page says.
    imports: ['lib/contract', 'lib/stats', 'lib/detect', 'lib/view'],
    // zod parses the state that a rule saved.
    packages: ['zod'],
  },
  // The only door to the database, and what is asked through it.
  {
    folder: 'lib/store',
    imports: ['lib/contract'],
    // zod parses what JSON columns hold.
    packages: ['node:', 'pg', 'pg-copy-streams', '@prisma', 'zod'],
  },
  {
    folder: 'lib/query',
    imports: ['lib/contract', 'lib/stats', 'lib/store', 'lib/postmortem', 'lib/alerts'],
    packages: ['node:', 'zod'],
  },
  { folder: 'lib/config', imports: [], packages: ['node:', 'zod'] },
  // Processes and their parts.
  { folder: 'workers/http', imports: ['lib/contract'], packages: WORKER },
  {
    folder: 'workers/access',
    imports: ['lib/contract', 'lib/store', 'workers/http'],
    packages: WORKER,
  },
  {
    folder: 'workers/accelerator',
    imports: ['lib/contract', 'lib/stats'],
    packages: ['node:', '@tensorflow', 'webgpu'],
  },
  { folder: 'workers/threads', imports: ['lib/store'], packages: ['node:'] },
  { folder: 'workers/compaction', imports: [...LIB, 'workers/threads'], packages: WORKER },
  {
    folder: 'workers/alerts',
    imports: [...LIB, 'lib/alerts', 'workers/threads'],
    packages: [...WORKER, 'nodemailer'],
  },
  {
    folder: 'workers/publish',
    imports: [...LIB, 'workers/access', 'workers/http'],
    packages: [...WORKER, 'socket.io'],
  },
  {
    folder: 'workers/ingest',
    imports: [
      ...LIB,
      'lib/alerts',
      'workers/access',
      'workers/accelerator',
      'workers/alerts',
      'workers/compaction',
      'workers/http',
      'workers/publish',
    ],
    packages: WORKER,
  },
  {
    folder: 'workers/api',
    imports: [...LIB, 'lib/postmortem', 'workers/access', 'workers/http', 'workers/threads'],
    packages: [...WORKER, 'httpxy', 'hyparquet', 'hyparquet-writer'],
  },
  {
    folder: 'workers/launcher',
    imports: [...LIB, 'lib/config', 'workers/access', 'workers/http'],
    packages: ['node:', 'esbuild', 'pg', 'pino', 'tsx', 'zod'],
  },
  // What people see: everything is read over HTTP and the socket.
  {
    folder: 'app',
    imports: ['lib/contract', 'lib/view'],
    packages: ['next', 'react', 'react-dom', 'recharts', 'socket.io-client', 'zod', '@fontsource'],
  },
  // What a training job takes with it.
  { folder: 'clients/typescript', imports: ['lib/contract'], packages: ['node:', 'zod'] },
  {
    folder: 'examples',
    imports: ['clients/typescript', 'lib/contract', 'lib/stats'],
    packages: ['node:', '@tensorflow'],
  },
];

const EXCEPTIONS: readonly RuleException[] = [
  {
    file: 'workers/*/server.ts',
    imports: 'lib/config',
    reason: 'the one place of a process where the environment becomes arguments',
  },
  {
    file: 'workers/*/server.ts',
    imports: 'package.json',
    reason: 'the version that a process answers with',
  },
  {
    file: 'app/api-reference/page.tsx',
    imports: 'package.json',
    reason: 'the version whose contract the page shows',
  },
  { file: 'lib/config', imports: 'lib/contract', reason: 'what counts as a loopback address' },
  {
    file: 'workers/launcher/tools/import-recording',
    imports: 'clients/typescript',
    reason: 'an import posts as a training job does',
  },
  {
    file: 'workers/launcher/tools/import.ts',
    imports: 'clients/typescript',
    reason: 'an import posts as a training job does',
  },
];

/** Packages of `app` that only a server has, and so no file that reaches a browser may import. */
const SERVER_ONLY_PACKAGES = ['next/headers', 'next/server', 'next/cache', 'server-only', 'node:'];

/** Tests and measurements may import anything; nothing imports them. */
const UNRESTRICTED = ['tests', 'bench'];

/** Who may touch `process.env`: those that parse it, those that hand it to the parser, and tools. */
const ENVIRONMENT_READERS = [
  'lib/config',
  'workers/*/server.ts',
  'workers/launcher',
  'examples/train-transformer.ts',
  'next.config.js',
  'prisma.config.ts',
  'vitest.config.ts',
  'tests',
  'bench',
];

const MAX_README_LINES = 15;

const root = fileURLToPath(new URL('..', import.meta.url));
const files = readSourceFiles(root, [
  'app',
  'bench',
  'clients',
  'examples',
  'lib',
  'prisma',
  'tests',
  'workers',
]);
const restricted = files.filter(
  ({ path }) => path.includes('/') && !UNRESTRICTED.some((folder) => matches(path, folder)),
);

describe('the product', () => {
  it('imports nothing that the table does not allow', () => {
    expect(restricted.length).toBeGreaterThan(50);
    expect(findForbiddenImports(restricted, RULES, EXCEPTIONS)).toEqual([]);
  });

  it('has no exception that nothing needs', () => {
    expect(findIdleExceptions(restricted, EXCEPTIONS)).toEqual([]);
  });

  it('has no files that import each other in a ring', () => {
    expect(findCycles(files)).toEqual([]);
  });

  it('keeps what only a server has out of the browser', () => {
    const faults = [...findClientFiles(files)].flatMap(({ path, imports }) =>
      imports
        .filter(({ isTypeOnly }) => !isTypeOnly)
        .filter(({ specifier }) => SERVER_ONLY_PACKAGES.some((name) => specifier.startsWith(name)))
        .map(({ specifier }) => `${path} reaches a browser and imports ${specifier}`),
    );
    expect(faults).toEqual([]);
  });

  it('reads the environment in few places', () => {
    const faults = files
      .filter(({ readsEnvironment }) => readsEnvironment)
      .filter(({ path }) => !ENVIRONMENT_READERS.some((reader) => matches(path, reader)))
      .map(({ path }) => path);
    expect(faults).toEqual([]);
  });

  it('says in a short README what each folder of lib and workers is for', () => {
    const folders = new Set(
      files.map(({ path }) => dirname(path)).filter((folder) => /^(lib|workers)\//.test(folder)),
    );
    expect(folders.size).toBeGreaterThan(30);
    const faults = [...folders].flatMap((folder) => {
      const path = join(root, folder, 'README.md');
      if (!existsSync(path)) return [`${folder} has no README.md`];
      const lines = readFileSync(path, 'utf8').trimEnd().split('\n').length;
      return lines > MAX_README_LINES ? [`${folder}/README.md has ${lines} lines`] : [];
    });
    expect(faults).toEqual([]);
  });
});

describe('the check itself', () => {
  const rules: FolderRule[] = [
    { folder: 'lib/a', imports: ['lib/b'], packages: ['zod', 'next/link'] },
    { folder: 'lib/b', imports: [], packages: [] },
  ];

  it('finds every way to import', () => {
    const source = parseSource(
      'lib/a/one.ts',
      `import x from '../b/x'; import type { Y } from '@/lib/c/y'; export * from 'pg';
       export type { Z } from 'zod'; const lazy = await import('node:fs');
       const old = require('httpxy'); type T = import('./t').T; import './side.css';`,
    );
    expect(source.imports.map(({ specifier }) => specifier)).toEqual([
      '../b/x',
      '@/lib/c/y',
      'pg',
      'zod',
      'node:fs',
      'httpxy',
      './t',
      './side.css',
    ]);
    expect(source.imports.filter(({ isTypeOnly }) => isTypeOnly).length).toBe(3);
    expect(findForbiddenImports([source], rules, [])).toEqual([
      'lib/a/one.ts imports @/lib/c/y, which lib/a may not',
      'lib/a/one.ts imports pg, which lib/a may not',
      'lib/a/one.ts imports node:fs, which lib/a may not',
      'lib/a/one.ts imports httpxy, which lib/a may not',
    ]);
  });

  it('does not take a name that begins alike for the same', () => {
    const source = parseSource('lib/a/one.ts', `import 'zodiac'; import '../bb/x'; import 'next';`);
    expect(findForbiddenImports([source], rules, []).length).toBe(3);
  });

  it('allows an exception in its files only, and reports one that is idle', () => {
    const exceptions = [{ file: 'lib/*/server.ts', imports: 'pg', reason: 'for this test' }];
    const server = parseSource('lib/b/server.ts', `import 'pg';`);
    const other = parseSource('lib/b/other.ts', `import 'pg';`);
    expect(findForbiddenImports([server, other], rules, exceptions)).toEqual([
      'lib/b/other.ts imports pg, which lib/b may not',
    ]);
    expect(findIdleExceptions([other], exceptions)).toEqual(['lib/*/server.ts → pg']);
  });

  it('reports a folder that the table forgot', () => {
    expect(findForbiddenImports([parseSource('lib/new/one.ts', '')], rules, [])).toEqual([
      'lib/new/one.ts lies in a folder without a rule',
    ]);
  });

  it('finds rings of values and lets types point back', () => {
    const ring = [
      parseSource('lib/a/one.ts', `import { two } from './two';`),
      parseSource('lib/a/two.ts', `import { three } from './three.mjs';`),
      parseSource('lib/a/three.mjs', `import './one';`),
    ];
    expect(findCycles(ring)).toEqual([
      'lib/a/one.ts → lib/a/two.ts → lib/a/three.mjs → lib/a/one.ts',
    ]);
    const typed = [ring[0]!, parseSource('lib/a/two.ts', `import type { One } from './one';`)];
    expect(findCycles(typed)).toEqual([]);
  });

  it('follows a browser’s files through what they import', () => {
    const entry = parseSource('app/a.tsx', `/** A chart. */\n'use client';\nimport './b';`);
    const inner = parseSource('app/b.ts', `import 'node:fs';`);
    const page = parseSource('app/page.tsx', `import { A } from './a';`);
    const found = findClientFiles([entry, inner, page]);
    expect([...found].map(({ path }) => path)).toEqual(['app/a.tsx', 'app/b.ts']);
  });

  it('sees the environment however it is read', () => {
    const reads = (text: string) => parseSource('lib/a/one.ts', text).readsEnvironment;
    expect(reads(`const port = process.env['PORT'];`)).toBe(true);
    expect(reads(`const { env } = process;`)).toBe(true);
    expect(reads(`import { env } from 'node:process';`)).toBe(true);
    expect(reads(`// process.env\nconst text = 'process.env';`)).toBe(false);
  });
});
