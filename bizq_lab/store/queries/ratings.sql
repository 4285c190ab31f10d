-- ratings: the latest rating of each rater on each decision of a task type, for agreement between raters.
-- grain:   one row per (decision_id, rater)
-- reads:   feedback, task_outcome
-- columns: rating_ppm millionths of a point
-- params:  task_type
WITH spoken AS (
    SELECT f.decision_id, f.rater, max(f.recorded_at_us) AS said_us
    FROM feedback AS f
    INNER JOIN task_outcome AS t ON t.decision_id = f.decision_id
    WHERE t.task_type = $task_type AND f.rating_ppm IS NOT NULL
    GROUP BY f.decision_id, f.rater
)
SELECT f.decision_id, f.rater, max(f.rating_ppm) AS rating_ppm
FROM feedback AS f
INNER JOIN spoken AS s ON s.decision_id = f.decision_id AND s.rater = f.rater AND s.said_us = f.recorded_at_us
WHERE f.rating_ppm IS NOT NULL
GROUP BY f.decision_id, f.rater
ORDER BY f.decision_id, f.rater
