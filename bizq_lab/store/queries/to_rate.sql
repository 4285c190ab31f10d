-- to_rate: accepted outputs of a task type that a rater has not rated yet, whoever wrote them.
-- grain:   one row per decision_id
-- reads:   task_outcome, attempt, decision, feedback
-- columns: task_input as it was given, output the accepted text; both NULL where the payload policy kept neither
-- params:  task_type, rater, arms (comma-separated; NULL: all)
WITH answered AS (
    SELECT decision_id, max(ordinal) AS ordinal
    FROM attempt
    WHERE status = 'completed' AND output IS NOT NULL AND output <> ''
    GROUP BY decision_id
), words AS (
    SELECT a.decision_id, min(a.output) AS output
    FROM attempt AS a
    INNER JOIN answered AS w ON w.decision_id = a.decision_id AND w.ordinal = a.ordinal
    WHERE a.status = 'completed'
    GROUP BY a.decision_id
), asked AS (
    SELECT decision_id, min(CAST(task_input AS VARCHAR)) AS task_input FROM decision GROUP BY decision_id
), said AS (
    SELECT decision_id FROM feedback WHERE rater = $rater AND rating_ppm IS NOT NULL GROUP BY decision_id
)
SELECT t.decision_id, t.task_id, t.task_key, t.repeat, t.arm, q.task_input, w.output
FROM task_outcome AS t
INNER JOIN words AS w ON w.decision_id = t.decision_id
LEFT JOIN asked AS q ON q.decision_id = t.decision_id
LEFT JOIN said AS s ON s.decision_id = t.decision_id
WHERE t.task_type = $task_type AND t.status = 'completed' AND s.decision_id IS NULL
  AND ($arms::VARCHAR IS NULL OR contains(',' || $arms || ',', ',' || t.arm || ','))
ORDER BY t.task_key, t.repeat, t.decision_id
