-- logged_tasks: tasks as they were decided, the latest first, a page at a time.
-- grain:   one row per decision_id
-- reads:   decision
-- columns: task_input, context: as they were logged; recorded_at_us: UTC microseconds
-- params:  task_type (NULL: all); before_us and before_id: the last row of the page before (NULL: from the end); page
SELECT decision_id, recorded_at_us, task_id, task_key, task_type, model, prompt, temperature, max_tokens, design,
       task_input, context
FROM decision
WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
  AND ($before_us::BIGINT IS NULL OR (recorded_at_us, decision_id) < ($before_us::BIGINT, $before_id::VARCHAR))
ORDER BY recorded_at_us DESC, decision_id DESC
LIMIT $page
