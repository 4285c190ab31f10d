-- arm_tokens: tokens that each arm of a task type takes, for rate limits and for other prices.
-- grain:   one row per (task_type, arm, model)
-- reads:   task_outcome
-- columns: n decisions with an outcome; input_tokens and output_tokens are sums over them
-- params:  task_type, experiment (NULL: all), from_us, to_us (NULL: open)
SELECT
    task_type, arm, model,
    count(*)::BIGINT AS n,
    coalesce(sum(input_tokens), 0)::BIGINT AS input_tokens,
    coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens
FROM task_outcome
WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
  AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
  AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
  AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
  AND status NOT IN ('pending', 'cancelled')
GROUP BY ALL
ORDER BY ALL
