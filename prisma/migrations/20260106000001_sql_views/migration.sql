-- What people with SQL read (docs/sql.md): a schema of views and functions over the packed
-- tables. A packed number is unpacked in subqueries with OFFSET 0: each is computed once a
-- value, where without it every use would compute it anew, and a function would be called.

CREATE SCHEMA spikescope;

-- The key of a run by its public id. Computed, so that each table is asked by its own index.
CREATE FUNCTION spikescope.run_key(run text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $function$
    SELECT encode(substr(sha256(convert_to($1, 'UTF8')), 1, 16), 'hex')::uuid
$function$;

CREATE VIEW spikescope.runs AS
SELECT run.id AS run, run.project, run.name, run.tags, run.notes, run.pinned, run.status, run.config,
    run.layer_count, run.created_at, run.finished_at
FROM public.run WHERE run.status <> 'deleting';

-- Which steps of an attempt count: those that no newer attempt has taken over.
CREATE VIEW spikescope.attempts AS
SELECT run.id AS run, attempt.attempt, attempt.resume_from_step, attempt.created_at, attempt.optimizer,
    (attempt.optimizer->>'beta1')::float8 AS beta1, (attempt.optimizer->>'beta2')::float8 AS beta2,
    (attempt.optimizer->>'epsilon')::float8 AS epsilon,
    attempt.resume_from_step AS effective_from_step,
    (SELECT min(newer.resume_from_step) - 1 FROM public.attempt AS newer
        WHERE newer.run = attempt.run AND newer.attempt > attempt.attempt) AS effective_to_step
FROM public.run JOIN public.attempt USING (run);

CREATE VIEW spikescope.layers AS
SELECT run.id AS run, layer.index AS layer, layer.name, layer.kind, layer.depth, layer.parameter_count, layer.shape
FROM public.run JOIN public.layer USING (run);

CREATE VIEW spikescope.steps AS
SELECT run.id AS run, step.attempt, step.step, step.loss, step.learning_rate, step.gradient_norm,
    to_timestamp(step.wall_time) AS wall_time, step.received_at,
    NOT EXISTS (SELECT FROM public.attempt AS newer WHERE newer.run = step.run
        AND newer.attempt > step.attempt AND newer.resume_from_step <= step.step) AS is_effective
FROM public.run JOIN public.step USING (run);

-- Every other scalar: a row a name.
CREATE VIEW spikescope.scalars AS
SELECT run.id AS run, step.attempt, step.step, metric.name, step.scalar_values[array_position(step.scalar_ids, metric.metric::smallint)] AS value
FROM public.run JOIN public.metric USING (run) JOIN public.step USING (run)
WHERE metric.kind = 'scalar' AND array_position(step.scalar_ids, metric.metric::smallint) IS NOT NULL;

CREATE VIEW spikescope.events AS
SELECT run.id AS run, event.attempt, event.step, event.kind, event.title, event.detail, event.created_at
FROM public.run JOIN public.event USING (run);

CREATE VIEW spikescope.spikes AS
SELECT run.id AS run, spike.id AS spike, run.project, spike.attempt, spike.kind, spike.onset_step, spike.rise_step,
    spike.confirmed_step, spike.peak_step, spike.peak_value, spike.baseline, spike.recovered_step, spike.recovery,
    spike.excess_area, spike.level_shift, spike.precursor_chance, spike.verdict
FROM public.run JOIN public.spike USING (run);

-- What moved before a spike, the first to move first. layer is NULL for the norm of the whole run.
CREATE VIEW spikescope.spike_movers AS
SELECT run.id AS run, spike.id AS spike, run.project, spike.kind, spike.onset_step, mover.rank,
    (mover.entry->>'layer')::integer AS layer, layer.name AS layer_name, mover.entry->>'metric' AS metric,
    (mover.entry->>'step')::bigint AS step, (mover.entry->>'leadSteps')::integer AS lead_steps,
    (mover.entry->>'z')::float8 AS z
FROM public.run JOIN public.spike USING (run)
CROSS JOIN LATERAL (
    SELECT entry, ordinality::integer AS rank FROM jsonb_array_elements(spike.first_movers) WITH ORDINALITY AS layers (entry, ordinality)
    UNION ALL
    SELECT entry, ordinality::integer AS rank FROM jsonb_array_elements(spike.global_movers) WITH ORDINALITY AS whole (entry, ordinality)
) AS mover
LEFT JOIN public.layer ON layer.run = spike.run AND layer.index = (mover.entry->>'layer')::integer;

CREATE VIEW spikescope.stage_intervals AS
SELECT run.id AS run, stage.attempt, stage.layer, layer.name AS layer_name, stage.from_step, stage.to_step, stage.stage, stage.label
FROM public.run JOIN public.stage_interval AS stage USING (run)
LEFT JOIN public.layer ON layer.run = stage.run AND layer.index = stage.layer;

CREATE VIEW spikescope.metrics AS
SELECT run.id AS run, metric.kind, metric.name FROM public.run JOIN public.metric USING (run);

-- One metric of one layer over a range of steps, ascending. Without an attempt it follows the
-- effective trajectory. Runs as its owner, as views do. A layer is one slice of a block: the cost is that of the steps asked for.
CREATE FUNCTION spikescope.layer_series(
    run text, layer integer, metric text,
    from_step bigint DEFAULT 0, to_step bigint DEFAULT 9007199254740991, attempt integer DEFAULT NULL
) RETURNS TABLE (attempt integer, step bigint, value real)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000 SECURITY DEFINER SET search_path = pg_catalog SET jit = off AS $function$
WITH segment AS MATERIALIZED (
    SELECT own.run AS run_key, own.attempt,
        CASE WHEN $6 IS NULL THEN greatest(own.resume_from_step, $4) ELSE $4 END AS from_step,
        CASE WHEN $6 IS NULL THEN least((SELECT min(newer.resume_from_step) - 1 FROM public.attempt AS newer
            WHERE newer.run = own.run AND newer.attempt > own.attempt), $5) ELSE $5 END AS to_step
    FROM public.attempt AS own
    WHERE own.run = spikescope.run_key($1) AND ($6 IS NULL OR own.attempt = $6)
), name AS MATERIALIZED (
    SELECT metric.metric::smallint AS id, run.layer_count
    FROM public.metric JOIN public.run USING (run)
    WHERE metric.run = spikescope.run_key($1) AND metric.kind = 'layer' AND metric.name = $3
      AND $2 >= 0 AND $2 < run.layer_count
), head AS MATERIALIZED (
    -- Of a packed block where the row begins and ends, and what its distances are from.
    SELECT segment.attempt, segment.from_step, segment.to_step, name.layer_count,
        block.first_step, block.step_count, block.step_offsets, block.codec, block."values",
        CASE WHEN block.codec = 0 THEN '\x00000000' ELSE substr(block."values", 4 * (1 + $2) + 1, 4) END AS bases,
        CASE WHEN block.codec = 0 THEN '\x0000000000000000'
        ELSE substr(block."values", 4 * (1 + name.layer_count + $2) + 1, 8) END AS entries
    FROM segment CROSS JOIN name JOIN public.metric_block AS block
        ON block.run = segment.run_key AND block.attempt = segment.attempt AND block.metric = name.id
        AND block.first_step BETWEEN segment.from_step - 16383 AND segment.to_step
        AND block.first_step + block.span > segment.from_step
), row_of AS MATERIALIZED (
    SELECT head.attempt, head.from_step, head.to_step, head.first_step, head.step_count, head.step_offsets, head.codec,
        CASE WHEN head.codec = 0 THEN 32 ELSE get_byte(head.entries, 7) >> 2 END AS width,
        CASE WHEN head.codec = 2 AND get_byte(head.entries, 7) & 2 = 0 THEN 14 ELSE 0 END AS dropped,
        (get_byte(head.bases, 0)::bigint | (get_byte(head.bases, 0 + 1)::bigint << 8) | (get_byte(head.bases, 0 + 2)::bigint << 16) | (get_byte(head.bases, 0 + 3)::bigint << 24)) AS base,
        CASE WHEN head.codec = 0 THEN substr(head."values", $2 * head.step_count * 4 + 1, head.step_count * 4)
        ELSE substr(head."values", 8 * (1 + head.layer_count) + 4 * (get_byte(head.entries, 0) | (get_byte(head.entries, 1) << 8) | (get_byte(head.entries, 2) << 16) | ((get_byte(head.entries, 3) & 1) << 24)) + 1,
            4 * ((get_byte(head.entries, 4) | (get_byte(head.entries, 5) << 8) | (get_byte(head.entries, 6) << 16) | ((get_byte(head.entries, 7) & 1) << 24)) - (get_byte(head.entries, 0) | (get_byte(head.entries, 1) << 8) | (get_byte(head.entries, 2) << 16) | ((get_byte(head.entries, 3) & 1) << 24)))) || '\x00000000' END AS bytes
    FROM head
)
SELECT DISTINCT ON (series.attempt, series.step) series.attempt, series.step, series.value
FROM (
SELECT number.attempt, number.step, number.rank,
    (CASE WHEN number.magnitude > 2139095040 THEN 'NaN'::float8
    WHEN number.magnitude = 2139095040 THEN 'Infinity'::float8
    WHEN number.magnitude < 8388608 THEN number.magnitude * 1.401298464324817e-45::float8
    ELSE (8388608 + (number.magnitude & 8388607)) * power(2::float8, (number.magnitude >> 23) - 150) END
    * CASE WHEN number.is_negative THEN -1 ELSE 1 END)::real AS value
FROM (
    SELECT word.attempt, word.step, word.rank, word.is_negative,
        CASE WHEN word.codec = 0 THEN word.bits & 2147483647
        WHEN word.is_negative THEN (4294967295 - word.bits) << word.dropped
        ELSE word.bits << word.dropped END AS magnitude
    FROM (
        SELECT cell.attempt, cell.step, cell.rank, cell.codec, cell.dropped, cell.bits, cell.bits >= 2147483648 AS is_negative
        FROM (
            SELECT piece.attempt, piece.step, piece.rank, piece.codec, piece.dropped,
                CASE WHEN piece.codec = 0 THEN piece.distance ELSE (piece.base + piece.distance) & 4294967295 END AS bits
            FROM (
                SELECT block.attempt, block.step, 0 AS rank, block.codec, block.dropped, block.base,
                    CASE WHEN block.width = 0 THEN 0 ELSE (((get_byte(block.bytes, (block.bit >> 3))::bigint | (get_byte(block.bytes, (block.bit >> 3) + 1)::bigint << 8) | (get_byte(block.bytes, (block.bit >> 3) + 2)::bigint << 16) | (get_byte(block.bytes, (block.bit >> 3) + 3)::bigint << 24))
                    | CASE WHEN (block.bit & 7) + block.width > 32 THEN (get_byte(block.bytes, (block.bit >> 3) + 4)::bigint << 32) ELSE 0 END)
                    >> (block.bit & 7)) & ((1::bigint << block.width) - 1) END AS distance
                FROM (
                    SELECT row_of.*, at * row_of.width AS bit,
                        row_of.first_step + (get_byte(row_of.step_offsets, 2 * at) | (get_byte(row_of.step_offsets, 2 * at + 1) << 8)) AS step
                    FROM row_of CROSS JOIN LATERAL generate_series(0, row_of.step_count - 1) AS at
                    OFFSET 0
                ) AS block
                WHERE block.step BETWEEN block.from_step AND block.to_step
                UNION ALL
                SELECT hot.attempt, hot.step, 1 + hot.layer_offset, 0, 0, 0, (get_byte(hot.bytes, 0)::bigint | (get_byte(hot.bytes, 0 + 1)::bigint << 8) | (get_byte(hot.bytes, 0 + 2)::bigint << 16) | (get_byte(hot.bytes, 0 + 3)::bigint << 24))
                FROM (
                    SELECT segment.attempt, hot_frame.step, hot_frame.layer_offset,
                        substr(hot_frame."values", ((array_position(hot_frame.metric_ids, name.id) - 1) * hot_frame.layer_count + $2 - hot_frame.layer_offset) * 4 + 1, 4) AS bytes
                    FROM segment CROSS JOIN name JOIN public.hot_frame ON hot_frame.run = segment.run_key AND hot_frame.attempt = segment.attempt
                        AND hot_frame.step BETWEEN segment.from_step AND segment.to_step
                    WHERE $2 >= hot_frame.layer_offset AND $2 < hot_frame.layer_offset + hot_frame.layer_count
                      AND name.id = ANY (hot_frame.metric_ids)
                    OFFSET 0
                ) AS hot
            ) AS piece
            OFFSET 0
        ) AS cell
    ) AS word
    OFFSET 0
) AS number
WHERE number.magnitude <> 2145765918
) AS series
ORDER BY series.attempt, series.step, series.rank
$function$;

-- Every number of every layer, wherever it is kept. Name a run, and a metric and steps: each
-- step is a look-up, each layer of it another: layers are joined to blocks alone, so that no plan
-- pairs them with the steps of other runs. Many steps of one layer are read by layer_series.
CREATE VIEW spikescope.layer_points AS
SELECT run.id AS run, step.attempt, step.step, layer.index AS layer, layer.name AS layer_name, metric.name AS metric,
    (CASE WHEN number.magnitude > 2139095040 THEN 'NaN'::float8
    WHEN number.magnitude = 2139095040 THEN 'Infinity'::float8
    WHEN number.magnitude < 8388608 THEN number.magnitude * 1.401298464324817e-45::float8
    ELSE (8388608 + (number.magnitude & 8388607)) * power(2::float8, (number.magnitude >> 23) - 150) END
    * CASE WHEN number.is_negative THEN -1 ELSE 1 END)::real AS value
FROM public.run
JOIN public.metric ON metric.run = run.run AND metric.kind = 'layer'
JOIN public.step ON step.run = run.run
CROSS JOIN LATERAL (
    SELECT found.run, found.codec, found.step_count, found."values",
        CASE WHEN found.step_count = found.span THEN step.step - found.first_step
        ELSE (SELECT at FROM generate_series(0, found.step_count - 1) AS at
            WHERE get_byte(found.step_offsets, 2 * at) | (get_byte(found.step_offsets, 2 * at + 1) << 8) = step.step - found.first_step)
        END::integer AS at
    FROM (
        SELECT metric_block.* FROM public.metric_block
        WHERE metric_block.run = step.run AND metric_block.attempt = step.attempt
          AND metric_block.metric = metric.metric AND metric_block.first_step <= step.step
        ORDER BY metric_block.first_step DESC LIMIT 1
    ) AS found
    WHERE found.first_step + found.span > step.step
    OFFSET 0
) AS block
JOIN public.layer ON layer.run = block.run
CROSS JOIN LATERAL (
    SELECT CASE WHEN block.codec = 0 THEN '\x00000000' ELSE substr(block."values", 4 * (1 + layer.index) + 1, 4) END AS bases,
        CASE WHEN block.codec = 0 THEN '\x0000000000000000'
        ELSE substr(block."values", 4 * (1 + run.layer_count + layer.index) + 1, 8) END AS entries
    OFFSET 0
) AS head
CROSS JOIN LATERAL (
    SELECT CASE WHEN block.codec = 0 THEN 32 ELSE get_byte(head.entries, 7) >> 2 END AS width,
        CASE WHEN block.codec = 2 AND get_byte(head.entries, 7) & 2 = 0 THEN 14 ELSE 0 END AS dropped
    OFFSET 0
) AS form
CROSS JOIN LATERAL (
    SELECT block.at * form.width & 7 AS shift,
        CASE WHEN block.codec = 0 THEN substr(block."values", (layer.index * block.step_count + block.at) * 4 + 1, 4)
        ELSE substr(block."values", 8 * (1 + run.layer_count) + 4 * (get_byte(head.entries, 0) | (get_byte(head.entries, 1) << 8) | (get_byte(head.entries, 2) << 16) | ((get_byte(head.entries, 3) & 1) << 24)) + (block.at * form.width >> 3) + 1, 5) END
        || '\x0000000000' AS bytes
    OFFSET 0
) AS place
CROSS JOIN LATERAL (
    SELECT CASE WHEN block.codec = 0 THEN (get_byte(place.bytes, 0)::bigint | (get_byte(place.bytes, 0 + 1)::bigint << 8) | (get_byte(place.bytes, 0 + 2)::bigint << 16) | (get_byte(place.bytes, 0 + 3)::bigint << 24))
        ELSE ((get_byte(head.bases, 0)::bigint | (get_byte(head.bases, 0 + 1)::bigint << 8) | (get_byte(head.bases, 0 + 2)::bigint << 16) | (get_byte(head.bases, 0 + 3)::bigint << 24)) + ((((get_byte(place.bytes, 0)::bigint | (get_byte(place.bytes, 0 + 1)::bigint << 8) | (get_byte(place.bytes, 0 + 2)::bigint << 16) | (get_byte(place.bytes, 0 + 3)::bigint << 24)) | (get_byte(place.bytes, 4)::bigint << 32)) >> place.shift) & ((1::bigint << form.width) - 1))) & 4294967295
        END AS bits
    OFFSET 0
) AS cell
CROSS JOIN LATERAL (
    SELECT cell.bits >= 2147483648 AS is_negative,
        CASE WHEN block.codec = 0 THEN cell.bits & 2147483647
        WHEN cell.bits >= 2147483648 THEN (4294967295 - cell.bits) << form.dropped
        ELSE cell.bits << form.dropped END AS magnitude
    OFFSET 0
) AS number
WHERE block.at IS NOT NULL AND number.magnitude <> 2145765918
UNION ALL
SELECT run.id, hot.attempt, hot.step, layer.index, layer.name, metric.name,
    (CASE WHEN number.magnitude > 2139095040 THEN 'NaN'::float8
    WHEN number.magnitude = 2139095040 THEN 'Infinity'::float8
    WHEN number.magnitude < 8388608 THEN number.magnitude * 1.401298464324817e-45::float8
    ELSE (8388608 + (number.magnitude & 8388607)) * power(2::float8, (number.magnitude >> 23) - 150) END
    * CASE WHEN number.is_negative THEN -1 ELSE 1 END)::real AS value
FROM public.run
JOIN public.metric ON metric.run = run.run AND metric.kind = 'layer'
JOIN public.hot_frame AS hot ON hot.run = run.run AND metric.metric = ANY (hot.metric_ids)
JOIN public.layer ON layer.run = run.run AND layer.index >= hot.layer_offset AND layer.index < hot.layer_offset + hot.layer_count
CROSS JOIN LATERAL (
    SELECT substr(hot."values", ((array_position(hot.metric_ids, metric.metric::smallint) - 1) * hot.layer_count + layer.index - hot.layer_offset) * 4 + 1, 4) AS bytes
    OFFSET 0
) AS place
CROSS JOIN LATERAL (SELECT (get_byte(place.bytes, 0)::bigint | (get_byte(place.bytes, 0 + 1)::bigint << 8) | (get_byte(place.bytes, 0 + 2)::bigint << 16) | (get_byte(place.bytes, 0 + 3)::bigint << 24)) AS bits OFFSET 0) AS cell
CROSS JOIN LATERAL (
    SELECT cell.bits >= 2147483648 AS is_negative,
        CASE WHEN 0 = 0 THEN cell.bits & 2147483647
        WHEN cell.bits >= 2147483648 THEN (4294967295 - cell.bits) << 0
        ELSE cell.bits << 0 END AS magnitude
    OFFSET 0
) AS number
WHERE number.magnitude <> 2145765918;
