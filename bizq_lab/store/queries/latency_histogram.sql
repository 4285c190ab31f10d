-- latency_histogram: how long outcomes took, counted between fixed integer edges.
-- grain:   one row per (task_type, arm, model, workspace_id, day); a key that was not asked for is ''
-- reads:   task_outcome
-- columns: counts maps an upper edge in microseconds to the outcomes above the edge before it and up to it
-- params:  as in cells.sql, and edges_us, ascending integers
SELECT
    task_type,
    CASE WHEN NOT $by_arm THEN '' WHEN arm = 'default' THEN model ELSE arm END AS arm,
    CASE WHEN NOT $by_model THEN '' WHEN $served THEN coalesce(nullif(served_model, ''), model) ELSE model END AS model,
    CASE WHEN $by_workspace THEN workspace_id ELSE '' END AS workspace_id,
    CASE WHEN $by_day THEN strftime(make_timestamp(decided_at_us), '%Y-%m-%d') ELSE '' END AS day,
    histogram(response_time_us, $edges_us::BIGINT[]) AS counts
FROM task_outcome
WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
  AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
  AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
  AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
  AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
  AND status NOT IN ('pending', 'cancelled')
  AND response_time_us IS NOT NULL
GROUP BY ALL
ORDER BY ALL
