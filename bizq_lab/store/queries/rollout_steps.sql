-- rollout_steps: every logged step of a rollout, oldest first.
-- grain:   one row per (event_id)
-- reads:   config_version
-- columns: as in the table; percent is the arm's share from then on; a look that changed nothing is no step
-- params:  rollout: its id
SELECT
    event_id, recorded_at_us, action, config_hash, parent_hash, author, override,
    evidence->>'$.reason' AS reason, (evidence->>'$.percent')::INTEGER AS percent, evidence,
    document IS NOT NULL AS step
FROM config_version
WHERE evidence->>'$.rollout' = $rollout
ORDER BY recorded_at_us, CAST(action = 'completed' AS INTEGER), event_id
