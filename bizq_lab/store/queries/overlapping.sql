-- overlapping: other experiments that an experiment's units took part in while it ran.
-- grain:   one row per experiment
-- reads:   task_outcome or its sample
-- columns: units of the experiment asked about that were also assigned by this one, at the same task type
-- params:  task_type, experiment, from_us, to_us (NULL: open), below and sampled (as in exposures.sql)
WITH assigned AS NOT MATERIALIZED (
    SELECT experiment, unit, decided_at_us
    FROM task_outcome_sample -- if sampled
    FROM task_outcome -- unless sampled
    WHERE task_type = $task_type AND design = 'randomised' AND status <> 'cancelled'
      AND cluster_bucket < $below -- if below
), own AS (
    SELECT unit, decided_at_us
    FROM assigned
    WHERE experiment = $experiment
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
), span AS (
    SELECT min(decided_at_us) AS first_us, max(decided_at_us) AS last_us FROM own
), units AS (
    SELECT DISTINCT unit FROM own
)
SELECT t.experiment, count(DISTINCT t.unit) AS units
FROM assigned AS t
JOIN units USING (unit)
JOIN span ON t.decided_at_us BETWEEN span.first_us AND span.last_us
WHERE t.experiment NOT IN ('', $experiment)
GROUP BY ALL
ORDER BY ALL
