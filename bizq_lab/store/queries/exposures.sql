-- exposures: assignment units against the propensities that the log promised them, for the sample-ratio check (S29).
-- grain:   one row per (experiment, stage, config_hash, eligible, arm)
-- reads:   task_outcome, decision
-- columns: eligible names the arms a unit could get; observed counts units that got this arm at their first exposure;
--          propensity_ppb is this arm's propensity, equal for all units of the row
-- params:  task_type, workspace_id and experiment (NULL: all), from_us, to_us (NULL: open)
--
-- Each unit counts once, at its first exposure per (experiment, ramp stage): a row count alarms at perfect splits.
WITH exposed AS (
    SELECT experiment, stage, unit, arg_min(decision_id, (decided_at_us, decision_id)) AS decision_id
    FROM task_outcome
    WHERE task_type = $task_type
      AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
      AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
      AND design = 'randomised'
    GROUP BY ALL
), offered AS (
    SELECT
        d.experiment, d.stage, d.config_hash, d.decision_id, d.arm AS assigned,
        unnest(from_json(d.candidates, '[{"arm":"VARCHAR","propensity":"DOUBLE"}]')) AS candidate
    FROM exposed JOIN decision AS d USING (decision_id)
), option AS (
    SELECT
        experiment, stage, config_hash, decision_id, assigned,
        candidate.arm AS arm, round(candidate.propensity * 1e9)::BIGINT AS propensity_ppb
    FROM offered
    WHERE candidate.propensity > 0
), unit AS (
    SELECT decision_id, string_agg(arm || '=' || propensity_ppb, ',' ORDER BY arm) AS eligible
    FROM option
    GROUP BY decision_id
)
SELECT
    experiment, stage, config_hash, eligible, arm, propensity_ppb,
    count(*) FILTER (assigned = arm)::BIGINT AS observed
FROM option JOIN unit USING (decision_id)
GROUP BY ALL
ORDER BY ALL
