import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BUILD_DIR, inRoot } from './paths.mjs';
import { hashInputs, readStamp } from './content-hash.mjs';
import { runCommand, runStep } from './progress.mjs';

const CLIENT_DIR = inRoot('lib', 'store', 'generated');
const CLIENT_STAMP = join(BUILD_DIR, 'stamps', 'prisma-client');

function versionOf(packageName) {
  return JSON.parse(readFileSync(inRoot('node_modules', packageName, 'package.json'), 'utf8'))
    .version;
}

/** The Prisma client, from prisma/schema.prisma. */
export async function ensurePrismaClient() {
  const wanted = hashInputs(['prisma/schema.prisma', 'prisma.config.ts'], {
    facts: [versionOf('prisma')],
  });
  if (readStamp(CLIENT_STAMP) === wanted && existsSync(CLIENT_DIR)) return;
  await runStep('Generating the database client', () =>
    runCommand(process.execPath, [inRoot('node_modules/prisma/build/index.js'), 'generate'], {
      cwd: inRoot(),
      env: {
        ...process.env,
        // The generator looks for an engine to download, and then never runs it: any
        // executable will do, and a machine without the internet can generate.
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
        CHECKPOINT_DISABLE: '1',
      },
    }),
  );
  mkdirSync(dirname(CLIENT_STAMP), { recursive: true });
  writeFileSync(CLIENT_STAMP, `${wanted}\n`);
}

/**
 * Next's declarations: without them the type check knows no `.module.css`, and with those
 * of an earlier build it looks for pages that are gone. Half a second, so always made.
 */
export async function ensureNextTypes() {
  await runCommand(process.execPath, [inRoot('node_modules/next/dist/bin/next'), 'typegen'], {
    cwd: inRoot(),
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' },
  });
}
