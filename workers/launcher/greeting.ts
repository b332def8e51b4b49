/**
 * What is printed once the product serves: where it is, and two commands that put a first
 * frame on the screen. A test runs them as printed.
 */
export function greeting(
  url: string,
  options: {
    readonly requireTokens: boolean;
    /** SPIKESCOPE_DATA_DIR where it is set: the tools find this product by it, and another without. */
    readonly dataDir: string | undefined;
  },
): string {
  const { requireTokens, dataDir } = options;
  const setting = dataDir ? `SPIKESCOPE_DATA_DIR=${quoteForShell(dataDir)} ` : '';
  const authorization = requireTokens ? ` \\\n    -H "Authorization: Bearer $TOKEN"` : '';
  const tokenLines = requireTokens
    ? [`  TOKEN=…   # ${setting}npm run token -- create --project first-light --scope ingest`, '']
    : [];
  return [
    '',
    `Spikescope is ready: ${url}`,
    '',
    'Post a first frame:',
    '',
    ...tokenLines,
    `  curl -sS ${url}/api/v1/runs -H 'Content-Type: application/json'${authorization} -d '{`,
    '    "project": "first-light", "id": "hello", "optimizer": {"name": "adamw", "epsilon": 1e-8},',
    '    "layers": [{"name": "embedding", "parameterCount": 4096}, {"name": "head", "parameterCount": 4096}]}\'',
    `  curl -sS ${url}/api/v1/runs/hello/frames -H 'Content-Type: application/json'${authorization} -d '{`,
    '    "frames": [{"step": 1, "loss": 4.2, "layers": {"gradient_norm": [0.5, 0.25]}}]}\'',
    '',
    'Ctrl-C stops it; what was posted is kept.',
    '',
  ].join('\n');
}

function quoteForShell(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
