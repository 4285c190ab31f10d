-- compare: what a comparison must know of its arms before it reads a single outcome.
-- grain:   one row per (design, arm)
-- reads:   task_outcome
-- columns: n outcomes, pending, quality_measured; how many catalogs, prompts, models, experiments and quality sources were
--          mixed; drifted: served ids, seen without failover, beyond the first
-- params:  task_type, workspace_id and experiment (NULL: all), from_us, to_us (NULL: open)
SELECT
    design,
    CASE WHEN arm = 'default' THEN model ELSE arm END AS arm,
    count(*) FILTER (status <> 'pending')::BIGINT AS n,
    count(*) FILTER (status = 'pending')::BIGINT AS pending,
    count(quality_ppm)::BIGINT AS quality_measured,
    count(*) FILTER (status = 'completed' AND quality_ppm IS NULL)::BIGINT AS quality_missing,
    count(*) FILTER (timed_out)::BIGINT AS timed_out,
    count(cost_nano_usd)::BIGINT AS cost_n,
    count(rating_ppm)::BIGINT AS rating_n,
    count(DISTINCT catalog_version)::BIGINT AS catalogs,
    count(DISTINCT prompt_version)::BIGINT AS prompts,
    count(DISTINCT model)::BIGINT AS models,
    count(DISTINCT experiment)::BIGINT AS experiments,
    count(DISTINCT quality_source) FILTER (quality_ppm IS NOT NULL)::BIGINT AS sources,
    greatest(count(DISTINCT served_model) FILTER (NOT failed_over AND served_model <> '') - 1, 0)::BIGINT AS drifted,
    coalesce(min(quality_source) FILTER (quality_ppm IS NOT NULL), '') AS source,
    min(decided_at_us) AS first_us,
    max(decided_at_us) AS last_us,
    max(catalog_version) AS catalog_version,
    max(config_hash) AS config_hash
FROM task_outcome
WHERE task_type = $task_type
  AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
  AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
  AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
  AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
  AND status <> 'cancelled'
GROUP BY ALL
ORDER BY ALL
