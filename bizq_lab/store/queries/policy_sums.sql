-- policy_sums: what came of each action, by what could have been chosen instead: the rows a policy is valued from.
-- grain:   one row per (task_type, design, segment, offer, arm, model, prompt, temperature, max_tokens, propensity_ppb,
--          cluster)
-- reads:   task_outcome, decision
-- columns: <x> sum over the outcomes, <x>_n how many have x; _us, _nano, _ppm as in the log
-- params:  as in offers.sql, and batched (clusters are 4,096 random batches of units instead of the units)
--
-- Decisions of one row weigh the same under any policy, so their sums say all and no weight enters the SQL. A cluster is
-- the assignment unit, or the task with its repeats in a paired design. An answer that never came has quality 0.
WITH asked AS (
    SELECT decision_id, md5(task_input::VARCHAR) AS task_input
    FROM decision
    WHERE $by_input
    QUALIFY row_number() OVER (PARTITION BY decision_id ORDER BY recorded_at_us, event_id) = 1
)
SELECT
    t.task_type, t.design, t.segment,
    CASE
        WHEN $by_input OR $by_unit
        THEN md5(concat_ws('|', t.offer, CASE WHEN $by_input THEN a.task_input END, CASE WHEN $by_unit THEN t.unit END))
        ELSE t.offer
    END AS offer,
    t.arm, t.model, t.prompt, t.temperature, t.max_tokens, t.propensity_ppb,
    CASE
        WHEN t.design = 'paired' THEN concat('task:', t.task_key)
        WHEN $batched THEN concat('#', t.cluster_bucket)
        ELSE t.unit
    END AS cluster,
    count(*)::BIGINT AS n,
    count(*) FILTER (t.succeeded)::BIGINT AS success,
    count(t.quality_ppm)::BIGINT AS quality_measured,
    count(CASE WHEN t.status = 'completed' THEN t.quality_ppm ELSE coalesce(t.quality_ppm, 0) END)::BIGINT AS quality_n,
    coalesce(sum(t.quality_ppm), 0)::HUGEINT AS quality,
    count(t.cost_nano_usd)::BIGINT AS cost_n,
    coalesce(sum(t.cost_nano_usd), 0)::HUGEINT AS cost,
    count(t.response_time_us)::BIGINT AS latency_n,
    coalesce(sum(t.response_time_us), 0)::HUGEINT AS latency
FROM task_outcome AS t LEFT JOIN asked AS a USING (decision_id)
WHERE ($task_type::VARCHAR IS NULL OR t.task_type = $task_type)
  AND ($experiment::VARCHAR IS NULL OR t.experiment = $experiment)
  AND ($from_us::BIGINT IS NULL OR t.decided_at_us >= $from_us)
  AND ($to_us::BIGINT IS NULL OR t.decided_at_us < $to_us)
  AND t.design IN ('randomised', 'paired')
  AND (t.design = 'paired' OR t.propensity_ppb IS NOT NULL)
  AND t.status NOT IN ('pending', 'cancelled')
GROUP BY ALL
ORDER BY ALL
