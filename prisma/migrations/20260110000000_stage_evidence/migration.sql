-- The numbers that a stage was decided with, in the order of STAGE_EVIDENCE. NULL in rows of before.
ALTER TABLE "stage_interval" ADD COLUMN "evidence" DOUBLE PRECISION[];
