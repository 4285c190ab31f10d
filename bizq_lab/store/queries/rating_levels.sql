-- rating_levels: who was rated, how, by cluster and level.
-- grain:   one row per (task_type, segment, arm, cluster, bucket, rating_ppm)
-- reads:   task_outcome
-- columns: n outcomes of the cluster with that rating; cluster and bucket as in clusters.sql
-- params:  as in clusters.sql, but for people and by_rules
SELECT
    task_type,
    segment, -- if by_segment
    '' AS segment, -- unless by_segment
    CASE WHEN arm = 'default' AND $design = 'observational' THEN model ELSE arm END AS arm,
    '' AS cluster, cluster_bucket AS bucket, -- if grouped
    task_key AS cluster, 0 AS bucket, -- unless grouped, if design=paired
    unit AS cluster, 0 AS bucket, -- unless grouped, unless design=paired
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
