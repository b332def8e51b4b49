-- The detectors of one attempt as they stood after a step. What was found up to that step
-- is in spike and stage_interval, written in the same transaction. Written by hand, as the
-- hot path is.
CREATE TABLE "detector_state" (
    "run" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "step" BIGINT NOT NULL,
    "state" BYTEA NOT NULL,

    CONSTRAINT "detector_state_pkey" PRIMARY KEY ("run", "attempt")
);

-- Floats that compression would only cost time.
ALTER TABLE "detector_state" ALTER COLUMN "state" SET STORAGE EXTERNAL;
