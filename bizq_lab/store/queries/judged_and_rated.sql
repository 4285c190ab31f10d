-- judged_and_rated: answers that both a judge and a person scored: what their agreement is computed from.
-- grain:   one row per (decision_id, evaluator)
-- reads:   evaluation, task_outcome
-- columns: score_ppm millionths of [0, 1]; rating_ppm 1 to 5 in millionths; rubric_version of the latest verdict
-- params:  task_type (NULL: all), evaluator (NULL: all)
SELECT e.decision_id, e.evaluator, t.task_type, t.task_key, t.rating_ppm,
       arg_max(e.score_ppm, (e.recorded_at_us, e.event_id)) AS score_ppm,
       arg_max(e.rubric_version, (e.recorded_at_us, e.event_id)) AS rubric_version
FROM evaluation AS e
JOIN task_outcome AS t USING (decision_id)
WHERE e.score_label = 'scored'
  AND e.evaluation_name = 'judge'
  AND t.rating_ppm IS NOT NULL
  AND ($task_type::VARCHAR IS NULL OR t.task_type = $task_type)
  AND ($evaluator::VARCHAR IS NULL OR e.evaluator = $evaluator)
GROUP BY ALL
ORDER BY ALL
