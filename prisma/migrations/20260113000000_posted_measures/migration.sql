-- Which of the measures that follow from histograms the job posted itself, a bit each.
-- NULL for posts that were stored before this was noted.
ALTER TABLE "frame" ADD COLUMN "posted_measures" SMALLINT;
