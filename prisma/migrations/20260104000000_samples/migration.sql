-- Raw samples of the steps around spikes, and what the worker does on request. Written by
-- hand, as the hot path is.

-- One post's samples, [layer][sample_count] of each tensor, little-endian in the type that
-- it was posted in: F32, F16 or BF16. A layer is one slice.
CREATE TABLE "sample_frame" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "step" BIGINT NOT NULL,
    "layer_offset" INTEGER NOT NULL,
    "layer_count" INTEGER NOT NULL,
    "sample_count" INTEGER NOT NULL,
    "gradient_type" TEXT NOT NULL,
    "first_moment_type" TEXT NOT NULL,
    "second_moment_type" TEXT NOT NULL,
    "gradient" BYTEA NOT NULL,
    "first_moment" BYTEA NOT NULL,
    "second_moment" BYTEA NOT NULL,

    CONSTRAINT "sample_frame_pkey" PRIMARY KEY ("run", "attempt", "step", "layer_offset")
);

ALTER TABLE "sample_frame" ALTER COLUMN "gradient" SET STORAGE EXTERNAL;

ALTER TABLE "sample_frame" ALTER COLUMN "first_moment" SET STORAGE EXTERNAL;

ALTER TABLE "sample_frame" ALTER COLUMN "second_moment" SET STORAGE EXTERNAL;

-- A job goes queued, running, then finished, failed or cancelled. "cursor" is how far it
-- came, in its kind's own words: a worker that starts again goes on from there.
CREATE TABLE "job" (
    "run" UUID NOT NULL,
    "job" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "parameters" JSONB NOT NULL,
    "status" TEXT NOT NULL,
    "done_steps" BIGINT NOT NULL,
    "total_steps" BIGINT,
    "cursor" JSONB,
    "result" JSONB,
    "message" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "job_pkey" PRIMARY KEY ("run", "job")
);

CREATE INDEX "job_unfinished" ON "job" ("run", "job") WHERE "finished_at" IS NULL;
