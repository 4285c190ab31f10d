-- clusters: what each arm did on each task, or to each assignment unit: the rows that a comparison is computed from.
-- grain:   one row per (task_type, arm, cluster)
-- reads:   task_outcome
-- columns: <x> sum over the cluster's outcomes, <x>_n how many have x; _us, _nano, _ppm as in the log
-- params:  task_type, workspace_id, experiment (NULL: all), design, from_us, to_us (NULL: open)
--
-- Paired designs cluster by task, with its repeats; the others by assignment unit. An answer that never came has quality 0.
SELECT
    task_type,
    CASE WHEN arm = 'default' THEN model ELSE arm END AS arm,
    CASE WHEN $design = 'paired' THEN task_key ELSE unit END AS cluster,
    count(*)::BIGINT AS n,
    count(*) FILTER (succeeded)::BIGINT AS success,
    count(CASE WHEN status = 'completed' THEN quality_ppm ELSE coalesce(quality_ppm, 0) END)::BIGINT AS quality_n,
    coalesce(sum(quality_ppm), 0)::HUGEINT AS quality,
    count(cost_nano_usd)::BIGINT AS cost_n,
    coalesce(sum(cost_nano_usd), 0)::HUGEINT AS cost,
    count(response_time_us)::BIGINT AS latency_n,
    coalesce(sum(response_time_us), 0)::HUGEINT AS latency,
    count(rating_ppm)::BIGINT AS rating_n,
    coalesce(sum(rating_ppm), 0)::HUGEINT AS rating
FROM task_outcome
WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
  AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
  AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
  AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
  AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
  AND design = $design
  AND status NOT IN ('pending', 'cancelled')
GROUP BY ALL
ORDER BY ALL
