-- units: how many rows a window has, and how many were drawn together, counted in some of their random groups.
-- grain:   one row
-- reads:   task_outcome or its sample, human_task
-- columns: n decisions and units (assignment units, or tasks with their repeats) in the groups of units below $below;
--          decisions in the groups of decisions below it; human_tasks those of the whole log, whatever became of them
-- params:  task_type, workspace_id, experiment (NULL: all), from_us, to_us (NULL: open), below (of 4096; of the sample at
--          most 64), sampled (read the sample)
-- Grouped, not counted as distinct: DuckDB then reads the key of a task only where it needs it, at a third of the cost.
WITH drawn AS (
    SELECT
        design = 'randomised' AS by_unit,
        CASE WHEN design = 'randomised' THEN unit ELSE task_key END AS drawn,
        cluster_bucket < $below AS of_units,
        count(*) AS n,
        count(*) FILTER (decision_bucket < $below) AS decisions
    FROM task_outcome_sample -- if sampled
    FROM task_outcome -- unless sampled
    WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
      AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
      AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
      AND (cluster_bucket < $below OR decision_bucket < $below)
    GROUP BY ALL
)
SELECT
    CAST(coalesce(sum(n) FILTER (of_units), 0) AS BIGINT) AS n,
    count(*) FILTER (of_units) AS units,
    CAST(coalesce(sum(decisions), 0) AS BIGINT) AS decisions,
    (SELECT count(*) FROM human_task) AS human_tasks
FROM drawn
