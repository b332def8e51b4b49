-- What detectors know of a spike beyond its dates. NULL in rows of before.
ALTER TABLE "spike" ADD COLUMN "rise_step" BIGINT;

ALTER TABLE "spike" ADD COLUMN "excess_area" DOUBLE PRECISION;

ALTER TABLE "spike" ADD COLUMN "level_shift" DOUBLE PRECISION;

ALTER TABLE "spike" ADD COLUMN "mover_count" INTEGER;

ALTER TABLE "spike" ADD COLUMN "global_movers" JSONB NOT NULL DEFAULT '[]';

ALTER TABLE "spike" ADD COLUMN "precursor_chance" DOUBLE PRECISION;

ALTER TABLE "spike" ADD COLUMN "chance_steps" BIGINT;

ALTER TABLE "spike" ADD COLUMN "reevaluation" JSONB;

-- What is not a spike and still asks for someone: curvature beyond what Adam stands.
CREATE TABLE "warning" (
    "run" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "from_step" BIGINT NOT NULL,
    "to_step" BIGINT,
    "peak_step" BIGINT NOT NULL,
    "peak_value" DOUBLE PRECISION NOT NULL,
    "learning_rate" DOUBLE PRECISION,

    CONSTRAINT "warning_pkey" PRIMARY KEY ("run", "id")
);

CREATE INDEX "warning_run_from_step_idx" ON "warning"("run", "from_step");

-- The steps on which the RMS of some layers began to spike, and which layers: what loss
-- spikes are held against. Written by hand, as the hot path is.
CREATE TABLE "rms_spike_step" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "step" BIGINT NOT NULL,
    "layers" INTEGER[] NOT NULL,

    CONSTRAINT "rms_spike_step_pkey" PRIMARY KEY ("run", "attempt", "step")
);

-- From which step on a spike would have been seen (NULL: start-up goes on), and whether the
-- end of the run has been taken in, which goes without saying of rows of before.
ALTER TABLE "detector_state" ADD COLUMN "watched_from_step" BIGINT;

ALTER TABLE "detector_state" ADD COLUMN "is_concluded" BOOLEAN NOT NULL DEFAULT true;
