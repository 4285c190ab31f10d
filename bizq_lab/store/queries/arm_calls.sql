-- arm_calls: what the calls of each arm consumed, by the model called and the unit prices in force, to price them anew.
-- grain:   one row per (task_type, arm, model, input_nano_usd_per_mtok, output_nano_usd_per_mtok, core_second_nano_usd)
-- reads:   attempt, task_outcome
-- columns: sums over ended calls; unpriced counts calls without a known price
-- params:  task_type, experiment (NULL: all), from_us, to_us (NULL: open)
SELECT
    t.task_type, t.arm, a.model,
    a.input_nano_usd_per_mtok, a.output_nano_usd_per_mtok, a.core_second_nano_usd,
    count(*) FILTER (a.cost_nano_usd IS NULL)::BIGINT AS unpriced,
    coalesce(sum(a.input_tokens), 0)::BIGINT AS input_tokens,
    coalesce(sum(a.output_tokens), 0)::BIGINT AS output_tokens,
    coalesce(sum(a.cache_read_input_tokens), 0)::BIGINT AS cached_tokens,
    coalesce(sum(a.core_us), 0)::BIGINT AS core_us,
    coalesce(sum(a.cost_nano_usd), 0)::HUGEINT AS cost
FROM attempt AS a JOIN task_outcome AS t USING (decision_id)
WHERE ($task_type::VARCHAR IS NULL OR t.task_type = $task_type)
  AND ($experiment::VARCHAR IS NULL OR t.experiment = $experiment)
  AND ($from_us::BIGINT IS NULL OR t.decided_at_us >= $from_us)
  AND ($to_us::BIGINT IS NULL OR t.decided_at_us < $to_us)
  AND t.status NOT IN ('pending', 'cancelled')
GROUP BY ALL
ORDER BY ALL
