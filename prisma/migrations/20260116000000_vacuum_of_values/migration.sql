-- Compaction vacuums hot_frame as it empties it. Autovacuum stands behind that, for frames
-- so small that rows count and not bytes, and where compaction's own may not run. Neither
-- gives the end of the file back in the middle of a load, which waits for a lock that
-- nobody else may have, and makes the next frames extend it again.
ALTER TABLE "hot_frame" SET (
    vacuum_truncate = false,
    autovacuum_vacuum_threshold = 10000,
    toast.autovacuum_vacuum_threshold = 200000,
    toast.vacuum_truncate = false
);

-- Rows here are written once. At the defaults autovacuum reads and marks them after every
-- thousand, resting in between, while dead rows elsewhere wait behind it. Five million
-- pieces of values are some 10 GB.
ALTER TABLE "metric_block" SET (
    autovacuum_vacuum_insert_threshold = 5000000,
    toast.autovacuum_vacuum_insert_threshold = 5000000
);

ALTER TABLE "metric_rollup" SET (
    autovacuum_vacuum_insert_threshold = 5000000,
    toast.autovacuum_vacuum_insert_threshold = 5000000
);

ALTER TABLE "histogram_frame" SET (
    autovacuum_vacuum_insert_threshold = 5000000,
    toast.autovacuum_vacuum_insert_threshold = 5000000
);

ALTER TABLE "histogram_rollup" SET (
    autovacuum_vacuum_insert_threshold = 5000000,
    toast.autovacuum_vacuum_insert_threshold = 5000000
);
