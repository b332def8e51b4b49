-- What hot frames become. Written by hand, as the hot path is.

-- The reported steps of an aligned span of one metric. step_offsets: uint16 little-endian,
-- ascending, from first_step. values: float32 little-endian [layer][step_offsets], as codec
-- says: 0 as they are, 1 packed rows, 2 packed rows with nine bits of mantissa.
CREATE TABLE "metric_block" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "metric" SMALLINT NOT NULL,
    "first_step" BIGINT NOT NULL,
    "span" INTEGER NOT NULL,
    "codec" SMALLINT NOT NULL,
    "step_count" INTEGER NOT NULL,
    "step_offsets" BYTEA NOT NULL,
    "values" BYTEA NOT NULL,

    CONSTRAINT "metric_block_pkey" PRIMARY KEY ("run", "attempt", "metric", "first_step")
);

ALTER TABLE "metric_block" ALTER COLUMN "values" SET STORAGE EXTERNAL;

-- 64 buckets of 16 * 4^level steps, those with a report alone. bucket_slots: uint8,
-- ascending. reported: int4 steps a bucket. Planes: float32 [layer][bucket_slots] over
-- finite values, NaN where there is none. exceptions: NULL while every layer has all
-- reported steps finite, else uint32 [2][layer][bucket_slots], finite and non-finite counts.
CREATE TABLE "metric_rollup" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "metric" SMALLINT NOT NULL,
    "level" SMALLINT NOT NULL,
    "block" BIGINT NOT NULL,
    "bucket_count" INTEGER NOT NULL,
    "bucket_slots" BYTEA NOT NULL,
    "reported" BYTEA NOT NULL,
    "minimum" BYTEA NOT NULL,
    "maximum" BYTEA NOT NULL,
    "mean" BYTEA NOT NULL,
    "exceptions" BYTEA,

    CONSTRAINT "metric_rollup_pkey" PRIMARY KEY ("run", "attempt", "metric", "level", "block")
);

ALTER TABLE "metric_rollup" ALTER COLUMN "minimum" SET STORAGE EXTERNAL;

ALTER TABLE "metric_rollup" ALTER COLUMN "maximum" SET STORAGE EXTERNAL;

ALTER TABLE "metric_rollup" ALTER COLUMN "mean" SET STORAGE EXTERNAL;

-- The same for what a step says besides its layers. scalar_ids: the names' numbers, in the
-- order of the planes, wall_time under -1. steps: int8 [2][bucket_slots], first and last reported step.
-- Planes: float64 [scalar][bucket_slots], last being the value at the highest step that
-- has one (NaN without). counts: uint32 [2][scalar][bucket_slots], finite and non-finite.
CREATE TABLE "scalar_rollup" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "level" SMALLINT NOT NULL,
    "block" BIGINT NOT NULL,
    "bucket_count" INTEGER NOT NULL,
    "bucket_slots" BYTEA NOT NULL,
    "steps" BYTEA NOT NULL,
    "scalar_ids" SMALLINT[] NOT NULL,
    "minimum" BYTEA NOT NULL,
    "maximum" BYTEA NOT NULL,
    "mean" BYTEA NOT NULL,
    "last" BYTEA NOT NULL,
    "counts" BYTEA NOT NULL,

    CONSTRAINT "scalar_rollup_pkey" PRIMARY KEY ("run", "attempt", "level", "block")
);

-- How far an attempt is compacted: steps below blocks_to are in blocks, steps below
-- rolled_to[level + 1] in the rows of that level, where such rows pay.
CREATE TABLE "compaction_state" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "blocks_to" BIGINT NOT NULL,
    "rolled_to" BIGINT[] NOT NULL,

    CONSTRAINT "compaction_state_pkey" PRIMARY KEY ("run", "attempt")
);

-- One row out of packed rows (lib/store/compaction/row-codec.ts): its base, the two entries
-- around it, its words. substr of a stored value fetches the asked part alone.
CREATE FUNCTION packed_row(packed bytea, row_index integer) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
    head bytea := substr(packed, 1, 4);
    row_count integer := get_byte(head, 0) | (get_byte(head, 1) << 8) | (get_byte(head, 2) << 16) | (get_byte(head, 3) << 24);
    entries bytea := substr(packed, 4 * (1 + row_count + row_index) + 1, 8);
    first_word integer := get_byte(entries, 0) | (get_byte(entries, 1) << 8) | (get_byte(entries, 2) << 16) | ((get_byte(entries, 3) & 1) << 24);
    end_word integer := get_byte(entries, 4) | (get_byte(entries, 5) << 8) | (get_byte(entries, 6) << 16) | ((get_byte(entries, 7) & 1) << 24);
BEGIN
    RETURN substr(packed, 4 * (1 + row_index) + 1, 4) || entries
        || substr(packed, 4 * (2 + 2 * row_count + first_word) + 1, 4 * (end_word - first_word));
END
$function$;
