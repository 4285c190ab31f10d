-- units: how many rows a window has, and how many were drawn together, counted in some of their random groups.
-- grain:   one row
-- reads:   task_outcome, human_task
-- columns: n decisions and units (assignment units, or tasks with their repeats) in the groups below $below; human_tasks
--          those of the whole log, whatever became of them
-- params:  task_type, workspace_id, experiment (NULL: all), from_us, to_us (NULL: open), below (of 4096)
-- Grouped, not counted as distinct: DuckDB then reads the key of a task only where it needs it, at a third of the cost.
WITH drawn AS (
    SELECT
        design = 'randomised' AS by_unit,
        CASE WHEN design = 'randomised' THEN unit ELSE task_key END AS drawn,
        count(*) AS n
    FROM task_outcome
    WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
      AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
      AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
      AND cluster_bucket < $below
    GROUP BY ALL
)
SELECT CAST(coalesce(sum(n), 0) AS BIGINT) AS n, count(*) AS units, (SELECT count(*) FROM human_task) AS human_tasks
FROM drawn
