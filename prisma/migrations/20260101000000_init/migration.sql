-- No semicolon inside a comment: the script is cut into statements at each.

-- Metadata, as prisma/schema.prisma has it.

CREATE TABLE "project" (
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "project_pkey" PRIMARY KEY ("name")
);

CREATE TABLE "run" (
    "run" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "project" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "tags" TEXT[],
    "notes" TEXT NOT NULL DEFAULT '',
    "pinned" BOOLEAN NOT NULL DEFAULT false,
    "status" TEXT NOT NULL DEFAULT 'running',
    "config" JSONB NOT NULL,
    "layer_count" INTEGER NOT NULL,
    "layers_hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "run_pkey" PRIMARY KEY ("run")
);

CREATE TABLE "attempt" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "resume_from_step" BIGINT NOT NULL,
    "optimizer" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "attempt_pkey" PRIMARY KEY ("run", "attempt")
);

CREATE TABLE "layer" (
    "run" UUID NOT NULL,
    "index" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT,
    "depth" INTEGER,
    "parameter_count" BIGINT NOT NULL,
    "shape" BIGINT[],
    "has_shape" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "layer_pkey" PRIMARY KEY ("run", "index")
);

CREATE TABLE "metric" (
    "run" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "metric" INTEGER NOT NULL,
    "name" TEXT NOT NULL,

    CONSTRAINT "metric_pkey" PRIMARY KEY ("run", "kind", "metric")
);

CREATE TABLE "event" (
    "run" UUID NOT NULL,
    "event" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "step" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "detail" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "event_pkey" PRIMARY KEY ("run", "event")
);

CREATE TABLE "spike" (
    "run" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "onset_step" BIGINT NOT NULL,
    "confirmed_step" BIGINT,
    "peak_step" BIGINT,
    "peak_value" DOUBLE PRECISION,
    "baseline" DOUBLE PRECISION,
    "recovered_step" BIGINT,
    "recovery" TEXT NOT NULL,
    "first_movers" JSONB NOT NULL,
    "verdict" TEXT NOT NULL,

    CONSTRAINT "spike_pkey" PRIMARY KEY ("run", "id")
);

CREATE TABLE "stage_interval" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "layer" INTEGER NOT NULL,
    "from_step" BIGINT NOT NULL,
    "to_step" BIGINT,
    "stage" TEXT NOT NULL,
    "label" TEXT,

    CONSTRAINT "stage_interval_pkey" PRIMARY KEY ("run", "attempt", "layer", "from_step")
);

CREATE TABLE "token" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "project" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "token_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "run_project_created_at_idx" ON "run"("project", "created_at");

CREATE INDEX "run_created_at_idx" ON "run"("created_at");

CREATE UNIQUE INDEX "metric_run_kind_name_key" ON "metric"("run", "kind", "name");

CREATE INDEX "event_run_step_idx" ON "event"("run", "step");

CREATE INDEX "spike_run_onset_step_idx" ON "spike"("run", "onset_step");

-- The hot path, written by hand: Prisma neither reads nor manages these.

-- What a step reported besides its layers. NULL is "not reported", NaN is NaN.
-- Of custom scalars the first entry with an id counts: a later shard's come behind it.
CREATE TABLE "step" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "step" BIGINT NOT NULL,
    "loss" DOUBLE PRECISION,
    "learning_rate" DOUBLE PRECISION,
    "gradient_norm" DOUBLE PRECISION,
    "wall_time" DOUBLE PRECISION,
    "scalar_ids" SMALLINT[] NOT NULL,
    "scalar_values" DOUBLE PRECISION[] NOT NULL,
    "received_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "step_pkey" PRIMARY KEY ("run", "attempt", "step")
);

-- Which posts have been stored, and with what content. It outlives the payload, so that
-- a retry is known as one after its layers have moved into blocks.
CREATE TABLE "frame" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "step" BIGINT NOT NULL,
    "layer_offset" INTEGER NOT NULL,
    "layer_count" INTEGER NOT NULL,
    "content_hash" BYTEA NOT NULL,

    CONSTRAINT "frame_pkey" PRIMARY KEY ("run", "attempt", "step", "layer_offset")
);

-- float32 little-endian [metric][layer], metrics in the order of metric_ids.
CREATE TABLE "hot_frame" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "step" BIGINT NOT NULL,
    "layer_offset" INTEGER NOT NULL,
    "layer_count" INTEGER NOT NULL,
    "metric_ids" SMALLINT[] NOT NULL,
    "values" BYTEA NOT NULL,

    CONSTRAINT "hot_frame_pkey" PRIMARY KEY ("run", "attempt", "step", "layer_offset")
);

-- Uncompressed out of line: a metric's row is then a slice that substr reads alone.
ALTER TABLE "hot_frame" ALTER COLUMN "values" SET STORAGE EXTERNAL;

-- float32 little-endian [bins + 1], edges_hash being the first 16 bytes of their SHA-256.
CREATE TABLE "histogram_edges" (
    "run" UUID NOT NULL,
    "edges_hash" UUID NOT NULL,
    "edges" BYTEA NOT NULL,

    CONSTRAINT "histogram_edges_pkey" PRIMARY KEY ("run", "edges_hash")
);

-- Counts [layer][bin] and outside [layer][4], little-endian unsigned integers of the
-- width (1, 2 or 4 bytes) that the largest of them needs.
CREATE TABLE "histogram_frame" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "step" BIGINT NOT NULL,
    "layer_offset" INTEGER NOT NULL,
    "kind" SMALLINT NOT NULL,
    "edges_hash" UUID NOT NULL,
    "layer_count" INTEGER NOT NULL,
    "bin_count" INTEGER NOT NULL,
    "count_width" SMALLINT NOT NULL,
    "outside_width" SMALLINT NOT NULL,
    "counts" BYTEA NOT NULL,
    "outside" BYTEA NOT NULL,

    CONSTRAINT "histogram_frame_pkey" PRIMARY KEY ("run", "attempt", "step", "layer_offset", "kind")
);

ALTER TABLE "histogram_frame" ALTER COLUMN "counts" SET STORAGE EXTERNAL;

ALTER TABLE "histogram_frame" ALTER COLUMN "outside" SET STORAGE EXTERNAL;
