-- exposures: assignment units by the arm of their first exposure, for the sample-ratio check (S29).
-- grain:   one row per (experiment, stage, config_hash, eligible, arm)
-- reads:   task_outcome
-- columns: eligible lists the arms a unit could get and their propensities, as `task_outcome` has it; observed counts the
--          units that got this arm
-- params:  task_type, workspace_id, experiment (NULL: all), from_us, to_us (NULL: open),
--          below (how many of the 4,096 random groups of units to look at; 4096: all)
--
-- Each unit counts once, at its first exposure per (experiment, ramp stage): a row count alarms at perfect splits.
WITH earliest AS (
    SELECT experiment, stage, unit, min(decided_at_us) AS decided_at_us
    FROM task_outcome
    WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
      AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
      AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
      AND design = 'randomised'
      AND status <> 'cancelled'
      AND ($below >= 4096 OR cluster_bucket < $below)
    GROUP BY ALL
), exposed AS (
    SELECT
        t.experiment, t.stage, t.unit,
        min(t.decision_id) AS decision_id
    FROM task_outcome AS t
    JOIN earliest USING (experiment, stage, unit, decided_at_us)
    WHERE t.design = 'randomised' AND t.status <> 'cancelled'
      AND ($task_type::VARCHAR IS NULL OR t.task_type = $task_type)
      AND ($workspace_id::VARCHAR IS NULL OR t.workspace_id = $workspace_id)
    GROUP BY ALL
)
SELECT t.experiment, t.stage, t.config_hash, t.eligible, t.arm, count(*) AS observed
FROM task_outcome AS t
JOIN exposed USING (decision_id)
GROUP BY ALL
ORDER BY ALL
