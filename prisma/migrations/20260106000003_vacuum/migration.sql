-- Every row of hot_frame is removed again minutes after it came. At the defaults a fifth of
-- the table must be dead before it is vacuumed, slowly: at 60 MB a second its file grows
-- faster than that. Absolute thresholds, and no rests, keep it at what is hot and some
-- hundred MB. Nothing is read from it by index alone, so inserts are no reason to vacuum.
ALTER TABLE "hot_frame" SET (
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_analyze_threshold = 20000,
    autovacuum_analyze_scale_factor = 0,
    toast.autovacuum_vacuum_threshold = 50000,
    toast.autovacuum_vacuum_scale_factor = 0,
    toast.autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_insert_threshold = -1
);

-- One row an attempt, changed many times a second: room for the next version beside it.
ALTER TABLE "compaction_state" SET (
    fillfactor = 50,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_scale_factor = 0
);
