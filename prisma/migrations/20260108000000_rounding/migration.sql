-- Old values at three digits. codec: 0 planes and counts as they are, 3 the same made of values
-- some of which were rounded, 1 and 2 packed rows: minimum and maximum with nine bits of
-- mantissa, means too in 2.
ALTER TABLE "metric_rollup" ADD COLUMN "codec" SMALLINT NOT NULL DEFAULT 0;

-- Blocks that end at or below rounded_to have been looked at: they are rounded, or stay exact
-- beside an anomaly. From rounded_end on nothing was ever rounded.
ALTER TABLE "compaction_state" ADD COLUMN "rounded_to" BIGINT NOT NULL DEFAULT 0;

ALTER TABLE "compaction_state" ADD COLUMN "rounded_end" BIGINT NOT NULL DEFAULT 0;
