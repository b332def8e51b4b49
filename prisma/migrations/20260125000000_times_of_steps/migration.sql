-- A posted wall_time need not be a time: nanoseconds, NaN, garbage. to_timestamp refuses
-- what lies beyond its years and would end every question that reads such a step.
CREATE OR REPLACE VIEW spikescope.steps AS
SELECT run.id AS run, step.attempt, step.step, step.loss, step.learning_rate, step.gradient_norm,
    CASE WHEN step.wall_time BETWEEN 0 AND 253402300799 THEN to_timestamp(step.wall_time) END AS wall_time,
    step.received_at,
    NOT EXISTS (SELECT FROM public.attempt AS newer WHERE newer.run = step.run
        AND newer.attempt > step.attempt AND newer.resume_from_step <= step.step) AS is_effective
FROM public.run JOIN public.step USING (run);
