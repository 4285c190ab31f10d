-- rollouts: each rollout of the log as its last step left it, the one begun last at the end.
-- grain:   one row per rollout
-- reads:   config_version
-- columns: action of the last step; percent the arm's share from then on; began_us, changed_us UTC microseconds
-- params:  rollout (NULL: all)
WITH step AS (
    SELECT
        evidence->>'$.rollout' AS rollout, evidence->>'$.task_type' AS task_type, evidence->>'$.arm' AS arm,
        action, (evidence->>'$.percent')::INTEGER AS percent, recorded_at_us, event_id
    FROM config_version
    -- A look that changed nothing carries no config: it is no step.
    WHERE evidence->>'$.rollout' IS NOT NULL AND document IS NOT NULL
)
SELECT
    rollout,
    coalesce(arg_min(task_type, (recorded_at_us, event_id)), '') AS task_type,
    coalesce(arg_min(arm, (recorded_at_us, event_id)), '') AS arm,
    arg_max(action, (recorded_at_us, CAST(action = 'completed' AS INTEGER), event_id)) AS action,
    arg_max(percent, (recorded_at_us, CAST(action = 'completed' AS INTEGER), event_id)) AS percent,
    min(recorded_at_us) AS began_us,
    max(recorded_at_us) AS changed_us
FROM step
WHERE $rollout::VARCHAR IS NULL OR rollout = $rollout
GROUP BY rollout
ORDER BY began_us, rollout
