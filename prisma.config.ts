import { defineConfig } from 'prisma/config';

/** Read by the Prisma command line alone; the product itself migrates through lib/store/migrations/migrate.ts. */
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  experimental: { externalTables: true },
  tables: {
    external: [
      'public.step',
      'public.frame',
      'public.hot_frame',
      'public.histogram_edges',
      'public.histogram_frame',
      'public.detector_state',
      'public.rms_spike_step',
      'public.metric_block',
      'public.metric_rollup',
      'public.scalar_rollup',
      'public.histogram_rollup',
      'public.compaction_state',
      'public.sample_frame',
      'public.job',
      'public.raw_gap',
    ],
  },
  ...(process.env['DATABASE_URL'] === undefined
    ? {}
    : { datasource: { url: process.env['DATABASE_URL'] } }),
});
