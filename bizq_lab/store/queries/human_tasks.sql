-- human_tasks: the last transition of each human task, as it was logged.
-- grain:   one row per human_task_id
-- reads:   human_task
-- columns: those of the table human_task, whole numbers in the log's units
-- params:  human_task_id (NULL: all)
SELECT
    event_id, recorded_at_us, human_task_id, decision_id, status, priority, reason, estimated_minutes,
    cost_rate_nano_usd_per_hour, cost_nano_usd, due_at_us, worker, minutes_spent, resolution, succeeded
FROM human_task
WHERE $human_task_id::VARCHAR IS NULL OR human_task_id = $human_task_id
QUALIFY row_number() OVER (PARTITION BY human_task_id ORDER BY recorded_at_us DESC, event_id DESC) = 1
ORDER BY due_at_us, human_task_id
