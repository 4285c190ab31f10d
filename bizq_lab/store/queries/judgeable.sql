-- judgeable: accepted answers that a judge has not seen yet, the latest first.
-- grain:   one row per decision_id
-- reads:   decision, task_outcome, attempt, evaluation
-- columns: task_input, context, output as they were logged
-- params:  task_type (NULL: all), evaluator, page
SELECT
    t.decision_id, t.task_id, t.task_key, t.task_type, d.task_input, d.context, d.repeat,
    a.attempt_id, a.output
FROM task_outcome AS t
JOIN decision AS d USING (decision_id)
JOIN attempt AS a ON a.decision_id = t.decision_id AND a.status = 'completed' AND a.purpose = 'task'
ANTI JOIN (SELECT * FROM evaluation WHERE evaluator = $evaluator AND evaluation_name = 'judge') AS e
    ON e.attempt_id = a.attempt_id
WHERE t.status = 'completed'
  AND a.output IS NOT NULL
  AND ($task_type::VARCHAR IS NULL OR t.task_type = $task_type)
ORDER BY t.decided_at_us DESC, t.decision_id
LIMIT $page
