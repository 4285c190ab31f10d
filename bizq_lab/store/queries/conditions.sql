-- conditions: under which conditions each arm ran: models, prices, sources of quality, and how it was set up.
-- grain:   one row per (task_type, design, arm, model, catalog_version, quality_source), and if by_setup (experiment, stage,
--          config_hash, prompt_version, eligible, served_model)
-- reads:   task_outcome or its sample
-- columns: served_model is '' where another model had to answer; quality_source '' where none was measured; n counts
--          outcomes, pending those that have not arrived; what was cancelled is neither
-- params:  task_type, workspace_id, experiment (NULL: all), from_us, to_us (NULL: open),
--          below (how many of the 4,096 random groups of decisions to look at, at most 64; 0: all), by_setup
SELECT
    task_type, design, arm, model, catalog_version,
    experiment, stage, config_hash, prompt_version, eligible, -- if by_setup
    CASE WHEN failed_over THEN '' ELSE coalesce(served_model, '') END AS served_model, -- if by_setup
    CASE WHEN quality_ppm IS NULL THEN '' ELSE coalesce(quality_source, '') END AS quality_source,
    count(*) FILTER (status NOT IN ('pending', 'cancelled')) AS n,
    count(*) FILTER (status = 'pending') AS pending,
    count(*) FILTER (status = 'completed' AND quality_ppm IS NULL) AS quality_missing,
    count(quality_ppm) AS quality_measured,
    count(cost_nano_usd) FILTER (status NOT IN ('pending', 'cancelled')) AS cost_n
FROM task_outcome_sample -- if below
FROM task_outcome -- unless below
WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
  AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
  AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
  AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
  AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
  AND decision_bucket < $below -- if below
GROUP BY ALL
ORDER BY ALL
