-- units: how many rows a window has, and how many were drawn together, counted in some of their random groups.
-- grain:   one row
-- reads:   task_outcome or its sample, human_task
-- columns: n decisions and units (assignment units, or tasks with their repeats) in the groups of units below $below;
--          decisions in the groups of decisions below it; human_tasks those of the whole log, whatever became of them
-- params:  task_type, workspace_id, experiment (NULL: all), from_us, to_us (NULL: open), below (of 4096; of the sample at
--          most 64), sampled (read the sample)
-- Grouped, not counted as distinct, and units apart from tasks: DuckDB then reads the key of a task only where it needs
-- it, and groups by one column, which takes a quarter of the time.
WITH asked AS NOT MATERIALIZED (
    SELECT design, unit, task_key, cluster_bucket, decision_bucket
    FROM task_outcome_sample -- if sampled
    FROM task_outcome -- unless sampled
    WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
      AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
      AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
), drawn AS (
    SELECT count(*) AS n FROM asked WHERE cluster_bucket < $below AND design = 'randomised' GROUP BY unit
    UNION ALL
    SELECT count(*) AS n FROM asked WHERE cluster_bucket < $below AND design <> 'randomised' GROUP BY task_key
)
SELECT
    CAST(coalesce(sum(n), 0) AS BIGINT) AS n,
    count(*) AS units,
    (SELECT count(*) FROM asked WHERE decision_bucket < $below) AS decisions,
    (SELECT count(*) FROM human_task) AS human_tasks
FROM drawn
