-- A database user named as the schema of views is made tables there unless it is told not to.
ALTER TABLE IF EXISTS spikescope.raw_gap SET SCHEMA public;

ALTER TABLE IF EXISTS spikescope.note SET SCHEMA public;

ALTER TABLE IF EXISTS spikescope.note_revision SET SCHEMA public;

-- Where layer_points and layer_series say nothing because retention has let the values go:
-- of from_step to to_step of a metric only minimum, maximum and mean of every 16 steps are left.
CREATE VIEW spikescope.raw_gaps AS
SELECT run.id AS run, gap.attempt, metric.name AS metric, gap.from_step, gap.end_step - 1 AS to_step
FROM public.run JOIN public.raw_gap AS gap USING (run)
JOIN public.metric ON metric.run = gap.run AND metric.kind = 'layer' AND metric.metric = gap.metric;
