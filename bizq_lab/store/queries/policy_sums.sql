-- policy_sums: what came of each action, by what could have been chosen instead: the rows a policy is valued from.
-- grain:   one row per (task_type, design, segment, offer, arm, model, prompt, temperature, propensity_ppb, cluster)
-- reads:   task_outcome, decision
-- columns: <x> sum over the outcomes, <x>_n how many have x; _us, _nano, _ppm as in the log
-- params:  as in offers.sql, batched (the units' clusters are 4,096 random batches of them), and paired (whether some
--          design is)
--
-- Decisions of one row weigh the same under any policy, so their sums say all and no weight enters the SQL. A cluster is
-- the assignment unit, or the task with its repeats in a paired design. An answer that never came has quality 0.
-- The inputs cost a join, so only who asks for them pays. The keys are bare columns, and only those that are asked for:
-- DuckDB groups by their dictionaries, and groups constants too, row by row.
WITH asked AS ( -- if by_input
    SELECT decision_id, md5(task_input::VARCHAR) AS asked -- if by_input
    FROM decision -- if by_input
    QUALIFY row_number() OVER (PARTITION BY decision_id ORDER BY recorded_at_us, event_id) = 1 -- if by_input
), sums AS ( -- if by_input
WITH sums AS ( -- unless by_input
    SELECT
        t.task_type, -- unless task_type
        t.design, -- if paired
        t.segment,
        t.offer, -- unless by_input, unless by_unit
        md5(concat_ws('|', t.offer, a.asked)) AS offer, -- if by_input, unless by_unit
        md5(concat_ws('|', t.offer, t.unit)) AS offer, -- unless by_input, if by_unit
        md5(concat_ws('|', t.offer, a.asked, t.unit)) AS offer, -- if by_input, if by_unit
        t.cluster_bucket AS bucket, -- if batched, unless paired
        CASE WHEN t.design = 'paired' THEN -1 ELSE t.cluster_bucket END AS bucket, -- if batched, if paired
        CASE WHEN t.design = 'paired' THEN concat('task:', t.task_key) ELSE '' END AS drawn, -- if batched, if paired
        CASE WHEN t.design = 'paired' THEN concat('task:', t.task_key) ELSE t.unit END AS drawn, -- unless batched, if paired
        t.unit AS drawn, -- unless batched, unless paired
        t.arm, t.model, t.prompt, t.temperature, t.propensity_ppb,
        count(*) AS n,
        coalesce(count_if(t.succeeded), 0) AS success,
        count(t.quality_ppm) AS quality_measured,
        count(CASE WHEN t.quality_ppm IS NULL AND t.status <> 'completed' THEN 0 ELSE t.quality_ppm END) AS quality_n,
        sum(t.quality_ppm) AS quality,
        count(t.cost_nano_usd) AS cost_n,
        sum(t.cost_nano_usd) AS cost,
        count(t.response_time_us) AS latency_n,
        sum(t.response_time_us) AS latency
    FROM task_outcome AS t -- unless by_input
    FROM task_outcome AS t JOIN asked AS a USING (decision_id) -- if by_input
    WHERE ($task_type::VARCHAR IS NULL OR t.task_type = $task_type)
      AND ($experiment::VARCHAR IS NULL OR t.experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR t.decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR t.decided_at_us < $to_us)
      AND (t.design = 'randomised' AND t.propensity_ppb IS NOT NULL OR t.design = 'paired') -- if paired
      AND t.design = 'randomised' AND t.propensity_ppb IS NOT NULL -- unless paired
      AND t.status NOT IN ('pending', 'cancelled')
    GROUP BY ALL
)
SELECT
    $task_type AS task_type, -- if task_type
    task_type, -- unless task_type
    design, -- if paired
    'randomised' AS design, -- unless paired
    segment, offer, arm, model, prompt, temperature, propensity_ppb,
    CASE WHEN bucket >= 0 THEN concat('#', bucket) ELSE drawn END AS cluster, -- if batched, if paired
    concat('#', bucket) AS cluster, -- if batched, unless paired
    drawn AS cluster, -- unless batched
    CAST(n AS BIGINT) AS n,
    CAST(success AS BIGINT) AS success,
    CAST(quality_measured AS BIGINT) AS quality_measured,
    CAST(quality_n AS BIGINT) AS quality_n,
    CAST(coalesce(quality, 0) AS BIGINT) AS quality,
    CAST(cost_n AS BIGINT) AS cost_n,
    CAST(coalesce(cost, 0) AS BIGINT) AS cost,
    CAST(latency_n AS BIGINT) AS latency_n,
    CAST(coalesce(latency, 0) AS BIGINT) AS latency
FROM sums
ORDER BY ALL
