-- How long a project's values are kept, in days, NULL being for ever, and from what age on
-- blocks are kept rounded, NULL being never.
ALTER TABLE "project" ADD COLUMN "keep_raw_days" INTEGER;

ALTER TABLE "project" ADD COLUMN "keep_distributions_days" INTEGER;

ALTER TABLE "project" ADD COLUMN "keep_samples_days" INTEGER;

ALTER TABLE "project" ADD COLUMN "round_after_days" INTEGER;

-- Steps [from_step, end_step) of which only rollups are left, of one layer metric. Under
-- metric -1 the range in which histograms went, under -2 samples, but for those still there:
-- one row an attempt.
CREATE TABLE "raw_gap" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "metric" SMALLINT NOT NULL,
    "from_step" BIGINT NOT NULL,
    "end_step" BIGINT NOT NULL,

    CONSTRAINT "raw_gap_pkey" PRIMARY KEY ("run", "attempt", "metric", "from_step")
);
