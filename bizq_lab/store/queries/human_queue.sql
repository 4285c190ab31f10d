-- human_queue: human tasks as they stand, the most urgent first.
-- grain:   one row per human_task_id
-- reads:   human_task, task_outcome
-- columns: opened_at_us, changed_at_us, due_at_us UTC microseconds; minutes; cost_nano_usd, estimated until done
-- params:  status (NULL: all)
WITH latest AS (
    SELECT *, min(recorded_at_us) OVER (PARTITION BY human_task_id) AS opened_at_us
    FROM human_task
    QUALIFY row_number() OVER (PARTITION BY human_task_id ORDER BY recorded_at_us DESC, event_id DESC) = 1
)
SELECT
    h.human_task_id, h.decision_id, coalesce(t.task_type, '') AS task_type, coalesce(t.workspace_id, '') AS workspace_id,
    h.status, h.priority, h.reason, h.estimated_minutes, h.minutes_spent, h.worker, h.resolution, h.succeeded,
    h.cost_nano_usd, h.opened_at_us, h.recorded_at_us AS changed_at_us, h.due_at_us
FROM latest AS h
LEFT JOIN task_outcome AS t USING (decision_id)
WHERE $status::VARCHAR IS NULL OR h.status = $status
ORDER BY h.due_at_us, h.human_task_id
