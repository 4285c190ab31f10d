-- decisions_of_task: every decision made for one task, oldest first.
-- grain:   one row per decision_id
-- reads:   decision
SELECT decision_id FROM decision WHERE task_id = $task_id ORDER BY recorded_at_us, decision_id;
