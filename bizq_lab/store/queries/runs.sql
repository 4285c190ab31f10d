-- runs: bulk runs of the log as they stand, the latest first.
-- grain:   one row per run_id
-- reads:   run
-- columns: status of the last step; planned_rows, tasks_sha256 as it began; max_cost_nano_usd the last cap, NULL: none; began_at_us, changed_at_us UTC microseconds
SELECT
    run_id,
    arg_max(status, (recorded_at_us, event_id)) AS status,
    arg_min(planned_rows, (recorded_at_us, event_id)) AS planned_rows,
    arg_min(tasks_sha256, (recorded_at_us, event_id)) AS tasks_sha256,
    arg_max(max_cost_nano_usd, (recorded_at_us, event_id)) AS max_cost_nano_usd,
    min(recorded_at_us) AS began_at_us,
    max(recorded_at_us) AS changed_at_us
FROM run
GROUP BY run_id
ORDER BY changed_at_us DESC, run_id
