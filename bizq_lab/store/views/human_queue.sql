-- human_queue: human tasks as they stand, from their last transition.
-- grain:   one row per (human_task_id)
-- reads:   human_task, task_outcome
-- columns: opened_at, changed_at, due_at UTC; estimated_minutes, minutes_spent minutes; cost_usd USD, estimated until done
CREATE OR REPLACE VIEW human_queue AS
WITH latest AS (
    SELECT *, min(recorded_at_us) OVER (PARTITION BY human_task_id) AS opened_at_us
    FROM human_task
    QUALIFY row_number() OVER (PARTITION BY human_task_id ORDER BY recorded_at_us DESC, event_id DESC) = 1
)
SELECT
    h.human_task_id, h.decision_id, t.task_type, t.workspace_id, h.status, h.priority, h.reason,
    h.estimated_minutes, h.minutes_spent, h.worker, h.resolution, h.succeeded,
    h.cost_nano_usd / 1e9 AS cost_usd,
    make_timestamp(h.opened_at_us) AS opened_at,
    make_timestamp(h.recorded_at_us) AS changed_at,
    make_timestamp(h.due_at_us) AS due_at
FROM latest AS h
LEFT JOIN task_outcome AS t USING (decision_id);
