-- rating_levels: who was rated, how, by cluster and level.
-- grain:   one row per (task_type, segment, arm, cluster, bucket, rating_ppm)
-- reads:   task_outcome
-- columns: n outcomes of the cluster with that rating; cluster and bucket as in clusters.sql
-- params:  as in clusters.sql
SELECT
    task_type,
    CASE WHEN $by_segment THEN segment ELSE '' END AS segment,
    CASE WHEN arm = 'default' AND $design = 'observational' THEN model ELSE arm END AS arm,
    CASE WHEN $grouped THEN '' WHEN $design = 'paired' THEN task_key ELSE unit END AS cluster,
    CASE WHEN $grouped THEN cluster_bucket ELSE 0 END AS bucket,
    rating_ppm,
    count(*) AS n
FROM task_outcome
WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
  AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
  AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
  AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
  AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
  AND design = $design
  AND status NOT IN ('pending', 'cancelled')
  AND rating_ppm IS NOT NULL
GROUP BY ALL
ORDER BY ALL
