-- spending: what every call since an instant has booked, for the ledger of budgets (S18).
-- grain:   one row per attempt_id
-- reads:   attempt_state, decision
-- columns: workspace_id is empty where nobody decided the call; ended is false while its cost is not known
-- params:  since_us, run_id (NULL: every call, in a bulk run or not)
--
-- What another gateway paid is no budget's of this log: imported calls are left out, by the name of their attempts.
SELECT
    a.attempt_id,
    coalesce(d.workspace_id, '') AS workspace_id,
    coalesce(a.started_at_us, a.ended_at_us) AS started_at_us,
    coalesce(a.booked_nano_usd, 0) AS nano_usd,
    a.ended_at_us IS NOT NULL AS ended
FROM attempt_state AS a
LEFT JOIN (
    SELECT decision_id, min(workspace_id) AS workspace_id, min(run_id) AS run_id FROM decision GROUP BY decision_id
) AS d USING (decision_id)
WHERE coalesce(a.started_at_us, a.ended_at_us) >= $since_us
  AND ($run_id::VARCHAR IS NULL OR d.run_id = $run_id)
  AND NOT starts_with(a.attempt_id, 'imported_')
ORDER BY ALL
