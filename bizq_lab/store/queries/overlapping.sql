-- overlapping: other experiments that an experiment's units took part in while it ran.
-- grain:   one row per experiment
-- reads:   task_outcome
-- columns: units of the experiment asked about that were also assigned by this one, at the same task type
-- params:  task_type, experiment, from_us, to_us (NULL: open), below (how many of the 4,096 random groups of units to look at)
WITH own AS (
    SELECT unit, decided_at_us
    FROM task_outcome
    WHERE task_type = $task_type AND experiment = $experiment
      AND design = 'randomised' AND status <> 'cancelled'
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
      AND cluster_bucket < $below
), span AS (
    SELECT min(decided_at_us) AS first_us, max(decided_at_us) AS last_us FROM own
), units AS (
    SELECT DISTINCT unit FROM own
)
SELECT t.experiment, count(DISTINCT t.unit) AS units
FROM task_outcome AS t
JOIN units USING (unit)
JOIN span ON t.decided_at_us BETWEEN span.first_us AND span.last_us
WHERE t.task_type = $task_type AND t.experiment NOT IN ('', $experiment)
  AND t.design = 'randomised' AND t.status <> 'cancelled'
GROUP BY ALL
ORDER BY ALL
