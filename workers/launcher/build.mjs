import { ensurePrepared, runMain } from './prepare.mjs';

await runMain(() => ensurePrepared({ needsBuild: true }));
