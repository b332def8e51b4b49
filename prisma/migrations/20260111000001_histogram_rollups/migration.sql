-- Histograms of one kind summed up over 16 * 4^level steps, of the layers between the first
-- and the last that reported any. steps [layer] reports, counts [layer][bin], outside
-- [layer][4]: little-endian, unsigned integers of 1, 2 or 4 bytes, or float64 (width 8). A
-- bucket has all of its kinds or none.
CREATE TABLE "histogram_rollup" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "level" SMALLINT NOT NULL,
    "bucket" BIGINT NOT NULL,
    "kind" SMALLINT NOT NULL,
    "edges_hash" UUID NOT NULL,
    "layer_offset" INTEGER NOT NULL,
    "layer_count" INTEGER NOT NULL,
    "bin_count" INTEGER NOT NULL,
    "step_width" SMALLINT NOT NULL,
    "count_width" SMALLINT NOT NULL,
    "outside_width" SMALLINT NOT NULL,
    "steps" BYTEA NOT NULL,
    "counts" BYTEA NOT NULL,
    "outside" BYTEA NOT NULL,

    CONSTRAINT "histogram_rollup_pkey" PRIMARY KEY ("run", "attempt", "level", "bucket", "kind")
);

ALTER TABLE "histogram_rollup" ALTER COLUMN "steps" SET STORAGE EXTERNAL;

ALTER TABLE "histogram_rollup" ALTER COLUMN "counts" SET STORAGE EXTERNAL;

ALTER TABLE "histogram_rollup" ALTER COLUMN "outside" SET STORAGE EXTERNAL;

-- Histograms of steps below it are in histogram_rollup where such rows pay. Attempts that
-- were compacted before begin at 0 and are caught up with.
ALTER TABLE "compaction_state" ADD COLUMN "histograms_to" BIGINT NOT NULL DEFAULT 0;
