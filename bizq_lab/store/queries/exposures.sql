-- exposures: assignment units by the arm of their first exposure, for the sample-ratio check (S29).
-- grain:   one row per (experiment, stage, config_hash, eligible, arm)
-- reads:   task_outcome or its sample
-- columns: eligible lists the arms a unit could get and their propensities, as `task_outcome` has it; observed counts the
--          units that got this arm
-- params:  task_type, workspace_id, experiment (NULL: all), from_us, to_us (NULL: open), below (how many of the 4,096
--          random groups of units to look at, of the sample at most 64; 0: all), sampled (read the sample), once (each of
--          these units made one decision)
--
-- Each unit counts once, at its first exposure per (experiment, ramp stage): a row count alarms at perfect splits. Of two at
-- the same instant the lesser id stands, which favours no arm.
WITH seen AS (
    SELECT
        experiment, stage, unit, config_hash, eligible, arm,
        min(decided_at_us) AS decided_at_us, min(decision_id) AS decision_id, -- unless once
    FROM task_outcome_sample -- if sampled
    FROM task_outcome -- unless sampled
    WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
      AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
      AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
      AND cluster_bucket < $below -- if below
      AND design = 'randomised'
      AND status <> 'cancelled'
    GROUP BY ALL -- unless once
), first AS (
    SELECT experiment, stage, config_hash, eligible, arm
    FROM seen
    QUALIFY row_number() OVER (PARTITION BY experiment, stage, unit ORDER BY decided_at_us, decision_id) = 1 -- unless once
)
SELECT experiment, stage, config_hash, eligible, arm, count(*) AS observed
FROM first
GROUP BY ALL
ORDER BY ALL
